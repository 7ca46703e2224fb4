// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/compress.hpp"

#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/process.hpp"

namespace klp {

std::vector<std::byte> compress_zstd(Bytes bytes) {
    constexpr int level = 12;  // near the best size at a tenth of the time
    const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
    if (!context) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setPledgedSrcSize(context.get(), bytes.size());
    std::vector<std::byte> result(ZSTD_compressBound(bytes.size()));
    ZSTD_outBuffer out{result.data(), result.size(), 0};
    constexpr std::size_t piece = std::size_t{1} << 20;
    for (std::size_t left = 1; left != 0;) {
        check_interrupted();
        const Bytes part = bytes.first(std::min(bytes.size(), piece));
        bytes = bytes.subspan(part.size());
        ZSTD_inBuffer in{part.data(), part.size(), 0};
        left = ZSTD_compressStream2(context.get(), &out, &in, bytes.empty() ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) throw Error(std::string("zstd: ") + ZSTD_getErrorName(left));
        if (!bytes.empty()) left = 1;
    }
    result.resize(out.pos);
    return result;
}

}  // namespace klp
