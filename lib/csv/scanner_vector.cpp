#include "csv/scan_blocks.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace sluice::csv::detail {

#if defined(__x86_64__)

namespace {

// Compiled for a newer machine than the rest, and called only on one.
#define SLUICE_AVX2 __attribute__((target("avx2,pclmul,bmi,popcnt")))

class Avx2Lanes {
 public:
  SLUICE_AVX2 explicit Avx2Lanes(const Dialect& dialect)
      : delimiter_(_mm256_set1_epi8(dialect.delimiter)), quote_(_mm256_set1_epi8(dialect.quote)) {}

  SLUICE_AVX2 BlockMasks masks(const char* bytes, std::uint64_t inside, std::uint64_t valid) const {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32));
    BlockMasks m{};
    m.delimiters = equal_to(low, high, delimiter_);
    m.line_feeds = equal_to(low, high, _mm256_set1_epi8('\n'));
    m.carriage_returns = equal_to(low, high, _mm256_set1_epi8('\r'));
    m.quotes = equal_to(low, high, quote_) & valid;
    m.in_quotes = parity(m.quotes) ^ inside;
    return m;
  }

 private:
  SLUICE_AVX2 static std::uint64_t equal_to(__m256i low, __m256i high, __m256i value) {
    const auto first =
        static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, value)));
    const auto second =
        static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, value)));
    return first | (static_cast<std::uint64_t>(second) << 32U);
  }

  /// prefix_parity as one carry-less multiplication by all ones.
  SLUICE_AVX2 static std::uint64_t parity(std::uint64_t bits) {
    const __m128i all = _mm_set1_epi8('\xff');
    const __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(bits)), all, 0);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
  }

  __m256i delimiter_;
  __m256i quote_;
};

SLUICE_AVX2 void scan_avx2(const Dialect& dialect, const char* bytes, std::size_t begin,
                           std::size_t end, ScanState& state, StructuralIndex& index) {
  scan_blocks<Avx2Lanes>(dialect, bytes, begin, end, state, index);
}

}  // namespace

VectorScan vector_scan() {
  const bool has_all = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
                       __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
  return has_all ? VectorScan{"avx2", scan_avx2} : VectorScan{};
}

#elif defined(__aarch64__)

namespace {

class NeonLanes {
 public:
  explicit NeonLanes(const Dialect& dialect)
      : delimiter_(vdupq_n_u8(static_cast<unsigned char>(dialect.delimiter))),
        quote_(vdupq_n_u8(static_cast<unsigned char>(dialect.quote))) {}

  BlockMasks masks(const char* bytes, std::uint64_t inside, std::uint64_t valid) const {
    const uint8x16x4_t block = vld1q_u8_x4(reinterpret_cast<const unsigned char*>(bytes));
    BlockMasks m{};
    m.delimiters = equal_to(block, delimiter_);
    m.line_feeds = equal_to(block, vdupq_n_u8('\n'));
    m.carriage_returns = equal_to(block, vdupq_n_u8('\r'));
    m.quotes = equal_to(block, quote_) & valid;
    m.in_quotes = (m.quotes == 0 ? 0 : prefix_parity(m.quotes)) ^ inside;
    return m;
  }

 private:
  /// NEON has no movemask: each byte keeps its own bit of eight, and three rounds of pairwise sums
  /// gather them.
  static std::uint64_t equal_to(const uint8x16x4_t& block, uint8x16_t value) {
    static constexpr unsigned char bits[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                               1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vld1q_u8(bits);
    const uint8x16_t first = vpaddq_u8(vandq_u8(vceqq_u8(block.val[0], value), bit),
                                       vandq_u8(vceqq_u8(block.val[1], value), bit));
    const uint8x16_t second = vpaddq_u8(vandq_u8(vceqq_u8(block.val[2], value), bit),
                                        vandq_u8(vceqq_u8(block.val[3], value), bit));
    const uint8x16_t half = vpaddq_u8(first, second);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(half, half)), 0);
  }

  uint8x16_t delimiter_;
  uint8x16_t quote_;
};

void scan_neon(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
               ScanState& state, StructuralIndex& index) {
  scan_blocks<NeonLanes>(dialect, bytes, begin, end, state, index);
}

}  // namespace

VectorScan vector_scan() { return {"neon", scan_neon}; }

#else

VectorScan vector_scan() { return {}; }

#endif

}  // namespace sluice::csv::detail
