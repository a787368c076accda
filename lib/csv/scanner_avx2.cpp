#include "csv/scanner.hpp"

#include <algorithm>
#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluice::csv::detail {

#if defined(__x86_64__)

namespace {

#define SLUICE_AVX2 __attribute__((target("avx2,pclmul,bmi,lzcnt,popcnt")))

struct Block {
  __m256i low;
  __m256i high;
};

SLUICE_AVX2 inline std::uint64_t equal_to(const Block& block, __m256i value) {
  const auto low =
      static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block.low, value)));
  const auto high =
      static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block.high, value)));
  return low | (static_cast<std::uint64_t>(high) << 32U);
}

/// Bit i of the result is the parity of bits 0..i.
SLUICE_AVX2 inline std::uint64_t prefix_xor(std::uint64_t bits) {
  const __m128i all = _mm_set1_epi8('\xff');
  const __m128i product =
      _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(bits)), all, 0);
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
}

/// Room for more entries: as many as the stretch will have if it goes on as it began, and a little
/// more, so that a large stretch allocates once and not twice as much as it needs.
void grow(StructuralIndex& index, std::size_t count, std::size_t scanned, std::size_t stretch) {
  static constexpr std::size_t step = 4096;
  const std::size_t expected =
      scanned < 16 * step ? count : count * (stretch / 64) / (scanned / 64);
  index.resize(std::max(expected + expected / 16, count + count / 4) + step);
}

}  // namespace

SLUICE_AVX2 void scan_avx2(const Dialect& dialect, const char* bytes, std::size_t begin,
                           std::size_t end, ScanState& state, StructuralIndex& index) {
  const __m256i delimiter = _mm256_set1_epi8(dialect.delimiter);
  const __m256i quote = _mm256_set1_epi8(dialect.quote);
  const __m256i lf = _mm256_set1_epi8('\n');
  const __m256i cr = _mm256_set1_epi8('\r');
  std::uint64_t inside = state.in_quotes ? ~std::uint64_t{0} : 0;  // all ones while in quotes

  std::size_t count = index.size();
  for (std::size_t at = begin; at < end; at += 64) {
    const Block block{_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + at)),
                      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + at + 32))};
    const std::uint64_t valid =
        end - at >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << (end - at)) - 1;
    const std::uint64_t quotes = equal_to(block, quote) & valid;
    const std::uint64_t in_quotes = prefix_xor(quotes) ^ inside;
    const std::uint64_t separators =
        equal_to(block, delimiter) | equal_to(block, lf) | equal_to(block, cr);
    std::uint64_t structure = ((separators & ~in_quotes) | (quotes & in_quotes)) & valid;
    inside = static_cast<std::uint64_t>(static_cast<std::int64_t>(in_quotes) >> 63);

    if (index.size() < count + 64) grow(index, count, at - begin, end - begin);
    std::uint32_t* out = index.data() + count;
    count += static_cast<std::size_t>(std::popcount(structure));
    while (structure != 0) {
      *out++ =
          static_cast<std::uint32_t>(at) + static_cast<std::uint32_t>(std::countr_zero(structure));
      structure &= structure - 1;
    }
  }
  index.resize(count);
  state = {inside != 0, false};
}

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
         __builtin_cpu_supports("bmi");
}

#else

void scan_avx2(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
               ScanState& state, StructuralIndex& index) {
  scan_portable(dialect, bytes, begin, end, state, index);
}

bool has_avx2() { return false; }

#endif

}  // namespace sluice::csv::detail
