// SPDX-License-Identifier: GPL-2.0-or-later
// What stands behind a module's file: nothing, a signature, or what is to be one.
#include <gmock/gmock.h>

#include "loader/signature.hpp"
#include "test_kernel.hpp"

namespace klp::loader {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view marker = "~Module signature appended~\n";

// Of a value that is shorter than 128 bytes.
std::string der(int tag, const std::string& content) {
    return std::string(1, static_cast<char>(tag)) + static_cast<char>(content.size()) + content;
}
const std::string serial = der(0x02, "\x11\x22\x33\x44\x55\x66\x77");
const std::string issuer = der(0x30, der(0x31, der(0x30, der(0x06, "\x55\x04\x03") + der(0x0c, "a key"))));
const std::string sha256 = der(0x30, der(0x06, "\x60\x86\x48\x01\x65\x03\x04\x02\x01"));
const std::string signed_data = der(0x06, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02");
const std::string data = der(0x30, der(0x06, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"));

std::string message(const std::string& sid, const std::string& type = signed_data) {
    const std::string version = der(0x02, "\x01");
    const std::string signer = der(0x30, version + sid + sha256 + sha256 + der(0x04, "signed"));
    return der(0x30, type + der(0xa0, der(0x30, version + der(0x31, sha256) + data + der(0x31, signer))));
}
const std::string by_serial = der(0x30, issuer + serial);
const std::string by_key = der(0x80, "the key itself");

// struct module_signature: only the type, which is 2 for PKCS#7, and the length are not zero.
std::string info(std::size_t length, char type = 2, char other = 0) {
    std::string text(12, '\0');
    text[0] = other;
    text[2] = type;
    text[10] = static_cast<char>(length >> 8);
    text[11] = static_cast<char>(length);
    return text;
}
std::string appended(const std::string& signature, char type = 2, char other = 0) {
    return signature + info(signature.size(), type, other) + std::string(marker);
}

// A kernel with the certificate of the key, as far as the model looks.
class Signed : public testing::Test {
protected:
    static TestKernel kernel_with(std::string_view options) {
        std::string bytes = ".section .rodata.certificates, \"a\"\n.byte 1";
        for (const std::string& each : {serial, std::string("the key itself"), issuer})
            for (const char c : each) bytes += fmt::format(",{}", static_cast<unsigned char>(c));
        return TestKernel(std::string(kernel_text) + bytes + "\n", std::string(config) + std::string(options));
    }
    EventReport load_with(const std::string& behind, std::string_view options = "CONFIG_MODULE_SIG=y\n") {
        TestKernel kernel = kernel_with(options);
        write_file(kernel.path("m.ko"), read_text(kernel.plain_module("m", ".text\nnop\n")) + behind);
        return Simulation(kernel.kernel(), {}).play(load(kernel.path("m.ko")));
    }
    static constexpr std::string_view insists = "CONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_FORCE=y\n";
    static constexpr std::string_view taints =
        "m: module verification failed: signature and/or required key missing - tainting kernel";
    void expect_refusal(const std::string& behind, int error, std::string_view log) {
        const EventReport report = load_with(behind);
        EXPECT_EQ(report.error, error);
        EXPECT_EQ(text_of(report), log);
    }
};

TEST_F(Signed, ByAKeyOfTheKernel) {
    for (const std::string& sid : {by_serial, by_key}) {
        const EventReport report = load_with(appended(message(sid)), insists);
        EXPECT_EQ(report.error, 0);
        EXPECT_THAT(log_of(report), IsEmpty());
    }
}

TEST_F(Signed, ByAnotherKey) {
    const std::string other = message(der(0x30, issuer + der(0x02, "\x12\x22\x33\x44\x55\x66\x77")));
    EXPECT_THAT(log_of(load_with(appended(other))), ElementsAre(taints));
    const EventReport report = load_with(appended(other), insists);
    EXPECT_EQ(report.error, EKEYREJECTED);
    EXPECT_THAT(log_of(report), ElementsAre("Loading of module with unavailable key is rejected"));
}

TEST_F(Signed, ByNobody) {
    EXPECT_THAT(log_of(load_with("")), ElementsAre(taints));
    EXPECT_THAT(log_of(load_with("", "")), IsEmpty());
    const EventReport report = load_with("", insists);
    EXPECT_EQ(report.error, EKEYREJECTED);
    EXPECT_THAT(log_of(report), ElementsAre("Loading of unsigned module is rejected"));
}

TEST_F(Signed, IsSaidOnce) {
    TestKernel kernel = kernel_with("CONFIG_MODULE_SIG=y\n");
    Simulation simulation(kernel.kernel(), {});
    EXPECT_THAT(log_of(simulation.play(load(kernel.plain_module("m", ".text\nnop\n")))), ElementsAre(taints));
    EXPECT_THAT(log_of(simulation.play(load(kernel.plain_module("n", ".text\nnop\n")))), IsEmpty());
}

TEST_F(Signed, InAnotherWay) {
    const std::string text = appended(message(by_serial), 1);
    EXPECT_THAT(log_of(load_with(text)), ElementsAre("module: not signed with expected PKCS#7 message", taints));
    const EventReport report = load_with(text, insists);
    EXPECT_EQ(report.error, EKEYREJECTED);
    EXPECT_THAT(log_of(report), ElementsAre("module: not signed with expected PKCS#7 message",
                                            "Loading of module with unsupported crypto is rejected"));
}

TEST_F(Signed, ButDamaged) {
    const std::string good = message(by_serial);
    expect_refusal(appended(good, 2, 1), EBADMSG, "module: PKCS#7 signature info has unexpected non-zero params");
    expect_refusal(appended(""), EBADMSG, "");
    expect_refusal(appended(std::string(100, 'S')), EBADMSG, "");
    expect_refusal(appended(good.substr(0, good.size() - 1)), EBADMSG, "");
    expect_refusal(good + info(60'000) + std::string(marker), EBADMSG, "");
    expect_refusal(appended(message(by_serial, data)), EBADMSG, "");
    expect_refusal(appended(message(der(0x30, issuer + serial + serial))), EBADMSG, "");
    expect_refusal(appended(message(by_serial, der(0x06, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"))), EINVAL,
                   "PKCS7: Only support pkcs7_signedData type");
}

// Each byte of tag and length that is another one, and each place to end at.
TEST_F(Signed, ButCutOffAnywhere) {
    const std::string good = message(by_serial);
    for (std::size_t length = 0; length < good.size(); ++length)
        EXPECT_EQ(read_signature(as_bytes(appended(good.substr(0, length)))).error, EBADMSG) << length;
    EXPECT_EQ(read_signature(as_bytes("x" + appended(good))).error, 0);
    EXPECT_EQ(read_signature(as_bytes("x" + appended(good + "behind"))).error, 0);  // lib/asn1_decoder.c stops before
    EXPECT_EQ(read_signature(as_bytes("x" + appended(good))).remaining, 1U);
    EXPECT_EQ(read_signature(as_bytes(std::string(marker))).error, ENODATA);
    EXPECT_EQ(read_signature(as_bytes("x" + std::string(marker))).error, EBADMSG);
}

// Such kernels do not look for it.
TEST_F(Signed, ForAKernelThatDoesNotCare) {
    EXPECT_THAT(log_of(load_with(appended("damaged"), "")), IsEmpty());
    EXPECT_EQ(load_with(appended("damaged"), "").error, 0);
}

}  // namespace
}  // namespace klp::loader
