// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/process.hpp"

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace klp::guest {
namespace {

const std::string nonce = "0123456789abcdef0123456789abcdef";

// As the guest packs it.
std::string pack(const std::string& content) {
    Command command;
    command.argv = {"sh", "-c", "gzip -c | base64 -w 0"};
    command.input = content;
    return run_checked(command, "packing").output;
}

std::string line(const std::string& words) {
    return "\r\n" + nonce + " " + words + "\r\n";
}

TEST(Protocol, RecordsKeepOrderWordsAndContent) {
    const std::string binary("a\0\n\xff\r\n", 6);
    const Transcript transcript = parse_transcript(
        line("step 3") + line("output after 141 " + pack(binary)) + line("transition 1500") + line("end"), nonce);
    EXPECT_THAT(transcript.damage, IsEmpty());
    ASSERT_THAT(transcript.records, SizeIs(4));
    EXPECT_EQ(transcript.records[0].key, "step");
    EXPECT_THAT(transcript.records[0].words, ElementsAre("3"));
    EXPECT_THAT(transcript.records[1].words, ElementsAre("after", "141"));
    EXPECT_EQ(transcript.records[1].content, binary);
    EXPECT_EQ(transcript.records[3].key, "end");
}

TEST(Protocol, TextWithoutTheNonceIsNoRecord) {
    const Transcript transcript = parse_transcript("end\nstep 3\nffff end\n" + nonce.substr(1) + " end\n", nonce);
    EXPECT_THAT(transcript.records, IsEmpty());
    EXPECT_THAT(transcript.damage, IsEmpty());
    EXPECT_EQ(transcript.rest, "end\nstep 3\nffff end\n" + nonce.substr(1) + " end\n");
}

TEST(Protocol, OnASharedPortTheConsoleIsWhatIsLeft) {
    const Transcript transcript =
        parse_transcript("[ 1.0] booting\r\n[ 1.1] half " + nonce + " step 0\r\nof a line\r\n[ 1.2] last", nonce);
    ASSERT_THAT(transcript.records, SizeIs(1));
    EXPECT_EQ(transcript.rest, "[ 1.0] booting\n[ 1.1] half of a line\n[ 1.2] last");
}

TEST(Protocol, EveryTruncationIsNoticedOrLacksItsRecord) {
    const std::string whole = line("step 1") + line("output before 0 " + pack("text of the command")) + line("end");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const Transcript transcript = parse_transcript(whole.substr(0, size), nonce);
        EXPECT_THAT(transcript.damage, IsEmpty()) << size;
        EXPECT_EQ(transcript.rest.find(nonce + " "), std::string::npos) << size;
        for (const Record& record : transcript.records) {
            EXPECT_NE(record.key, "end") << size;
            EXPECT_EQ(record.content, record.key == "output" ? "text of the command" : "") << size;
        }
    }
}

TEST(Protocol, DamagedRecordsAreReported) {
    std::string flipped = pack("text of the command");
    flipped[24] = flipped[24] == 'A' ? 'B' : 'A';
    for (const std::string& words :
         {std::string("step"), std::string("step x"), std::string("step 1 2"), std::string("step 99999999999999999999"),
          std::string("frobnicate"), std::string(""), std::string("output before 0 ===="),
          std::string("output before 0 AAAA"), std::string("fail [ 2.0] kernel"), "output before 0 " + flipped}) {
        const Transcript transcript = parse_transcript(line(words), nonce);
        EXPECT_THAT(transcript.records, IsEmpty()) << words;
        EXPECT_THAT(transcript.damage, SizeIs(1)) << words;
    }
}

TEST(Protocol, Base64IsStrict) {
    const auto text = [](std::string_view base64) {
        const auto bytes = decode_base64(base64);
        return bytes ? std::string(as_text(*bytes)) : "none";
    };
    EXPECT_EQ(text(""), "");
    EXPECT_EQ(text("TWFu"), "Man");
    EXPECT_EQ(text("TWE="), "Ma");
    EXPECT_EQ(text("TQ=="), "M");
    for (const char* const wrong : {"TQ", "TQ=", "T===", "TQ==TWFu", "TW u", "TW\nu", "TW-_"})
        EXPECT_EQ(text(wrong), "none") << wrong;
}

TEST(Protocol, EachNonceIsNew) {
    EXPECT_THAT(make_nonce(), testing::MatchesRegex("[0-9a-f]+"));
    EXPECT_THAT(make_nonce(), SizeIs(32));
    EXPECT_NE(make_nonce(), make_nonce());
}

}  // namespace
}  // namespace klp::guest
