#include <array>
#include <utility>

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
      : delimiter_(dialect.delimiter.text()),
        last_(_mm256_set1_epi8(dialect.delimiter.last())),
        before_last_(_mm256_set1_epi8(before_last(dialect.delimiter.text()))),
        quote_(_mm256_set1_epi8(dialect.quote)),
        escape_(_mm256_set1_epi8(dialect.escape)) {}

  template <ScanTraits traits>
  SLUICE_AVX2 BlockMasks masks(const char* bytes) const {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32));
    BlockMasks m;
    m.delimiters = equal_to(low, high, last_);
    if constexpr (traits.wide) {
      m.delimiters &= equal_behind(bytes, 1, before_last_);
      const std::size_t reach = delimiter_.size() - 1;
      for (std::size_t back = 2; back <= reach && m.delimiters != 0; ++back)
        m.delimiters &= equal_behind(bytes, back, _mm256_set1_epi8(delimiter_[reach - back]));
    }
    m.line_feeds = equal_to(low, high, _mm256_set1_epi8('\n'));
    m.carriage_returns = equal_to(low, high, _mm256_set1_epi8('\r'));
    if constexpr (traits.quotes) m.quotes = equal_to(low, high, quote_);
    if constexpr (traits.escapes) m.escapes = equal_to(low, high, escape_);
    return m;
  }

  /// prefix_parity as one carry-less multiplication by all ones.
  SLUICE_AVX2 static std::uint64_t parity(std::uint64_t bits) {
    const __m128i all = _mm_set1_epi8('\xff');
    const __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(bits)), all, 0);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
  }

 private:
  static char before_last(std::string_view delimiter) {
    return delimiter.size() > 1 ? delimiter[delimiter.size() - 2] : '\0';
  }

  /// Of the 64 bytes that stand so much in front of these.
  SLUICE_AVX2 static std::uint64_t equal_behind(const char* bytes, std::size_t back,
                                                __m256i value) {
    const char* const from = bytes - back;
    return equal_to(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)),
                    _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 32)), value);
  }

  SLUICE_AVX2 static std::uint64_t equal_to(__m256i low, __m256i high, __m256i value) {
    const auto first =
        static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, value)));
    const auto second =
        static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, value)));
    return first | (static_cast<std::uint64_t>(second) << 32U);
  }

  std::string_view delimiter_;
  __m256i last_;
  __m256i before_last_;
  __m256i quote_;
  __m256i escape_;
};

template <std::size_t kind>
SLUICE_AVX2 void scan_avx2(const Dialect& dialect, const char* bytes, std::size_t begin,
                           std::size_t end, ScanState& state, StructuralIndex& index) {
  scan_blocks<Avx2Lanes, traits_of(kind)>(dialect, bytes, begin, end, state, index);
}

template <std::size_t... kinds>
constexpr std::array<Scan, kinds_of_scan> vector_scans(std::index_sequence<kinds...> /*all*/) {
  return {scan_avx2<kinds>...};
}

}  // namespace

ScanForm vector_scan(ScanTraits traits) {
  static constexpr auto scans = vector_scans(std::make_index_sequence<kinds_of_scan>());
  const bool has_all = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
                       __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
  return has_all ? ScanForm{"avx2", scans[number_of(traits)]} : ScanForm{};
}

#elif defined(__aarch64__)

namespace {

class NeonLanes {
 public:
  explicit NeonLanes(const Dialect& dialect)
      : delimiter_(dialect.delimiter.text()),
        last_(everywhere(dialect.delimiter.last())),
        quote_(everywhere(dialect.quote)),
        escape_(everywhere(dialect.escape)) {}

  template <ScanTraits traits>
  BlockMasks masks(const char* bytes) const {
    const uint8x16x4_t block = block_at(bytes);
    BlockMasks m;
    m.delimiters = equal_to(block, last_);
    if constexpr (traits.wide) {
      const std::size_t reach = delimiter_.size() - 1;
      for (std::size_t back = 1; back <= reach && m.delimiters != 0; ++back)
        m.delimiters &= equal_to(block_at(bytes - back), everywhere(delimiter_[reach - back]));
    }
    m.line_feeds = equal_to(block, vdupq_n_u8('\n'));
    m.carriage_returns = equal_to(block, vdupq_n_u8('\r'));
    if constexpr (traits.quotes) m.quotes = equal_to(block, quote_);
    if constexpr (traits.escapes) m.escapes = equal_to(block, escape_);
    return m;
  }

  static std::uint64_t parity(std::uint64_t bits) { return bits == 0 ? 0 : prefix_parity(bits); }

 private:
  static uint8x16_t everywhere(char c) { return vdupq_n_u8(static_cast<unsigned char>(c)); }
  static uint8x16x4_t block_at(const char* bytes) {
    return vld1q_u8_x4(reinterpret_cast<const unsigned char*>(bytes));
  }

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

  std::string_view delimiter_;
  uint8x16_t last_;
  uint8x16_t quote_;
  uint8x16_t escape_;
};

template <std::size_t kind>
void scan_neon(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
               ScanState& state, StructuralIndex& index) {
  scan_blocks<NeonLanes, traits_of(kind)>(dialect, bytes, begin, end, state, index);
}

template <std::size_t... kinds>
constexpr std::array<Scan, kinds_of_scan> vector_scans(std::index_sequence<kinds...> /*all*/) {
  return {scan_neon<kinds>...};
}

}  // namespace

ScanForm vector_scan(ScanTraits traits) {
  static constexpr auto scans = vector_scans(std::make_index_sequence<kinds_of_scan>());
  return {"neon", scans[number_of(traits)]};
}

#else

ScanForm vector_scan(ScanTraits /*traits*/) { return {}; }

#endif

}  // namespace sluice::csv::detail
