#include "rejects/refused_tuples.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/limits.hpp"

namespace sluice::rejects {
namespace {

/// In front of the texts, in their order.
struct Head {
  std::uint64_t number = 0;
  std::array<std::uint32_t, 5> sizes{};
  std::uint32_t of_row = 0;
};

std::array<std::string*, 5> texts_of(RefusedTuple& tuple) {
  return {&tuple.sql_state, &tuple.constraint, &tuple.column, &tuple.message, &tuple.copy_line};
}

}  // namespace

void RefusedTuples::add(std::uint64_t number, const writer::Refusal& refusal) {
  RefusedTuple tuple{number,          refusal.state.code(), refusal.constraint,    refusal.column,
                     refusal.message, refusal.copy_line,    !refusal.table.empty()};
  for (const std::string* more : {&refusal.detail, &refusal.hint})
    if (!more->empty()) tuple.message += " (" + *more + ")";
  Head head{.number = number, .of_row = tuple.of_row ? 1U : 0U};
  const auto texts = texts_of(tuple);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts[i]->resize(std::min(texts[i]->size(), limits::message_kept_bytes));
    head.sizes[i] = static_cast<std::uint32_t>(texts[i]->size());
  }
  char bytes[sizeof head];
  std::memcpy(bytes, &head, sizeof head);
  bytes_.append({bytes, sizeof bytes});
  for (const std::string* text : texts) bytes_.append(*text);
  ++count_;
}

bool RefusedTuples::Reader::next(RefusedTuple& tuple) {
  if (left_ == 0) return false;
  --left_;
  char bytes[sizeof(Head)];
  bytes_.read(bytes, sizeof bytes);
  Head head;
  std::memcpy(&head, bytes, sizeof head);
  tuple.number = head.number;
  tuple.of_row = head.of_row != 0;
  const auto texts = texts_of(tuple);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts[i]->resize(head.sizes[i]);
    bytes_.read(texts[i]->data(), texts[i]->size());
  }
  return true;
}

}  // namespace sluice::rejects
