#include "rejects/reject_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/limits.hpp"

namespace sluice::rejects {
namespace {

std::string in_encoding(const RejectAbout& about, const std::string& text) {
  return about.encoding ? source::Untranscoder(*about.encoding).bytes_of(text) : text;
}

/// A text as JSON has it. Most are plain, and there may be millions.
void append_text(std::string& to, std::string_view text, bool as_ascii) {
  const bool is_cut = text.size() > limits::value_kept_bytes;
  if (is_cut) text = text.substr(0, limits::value_kept_bytes);
  const bool is_plain = std::ranges::all_of(
      text, [](const char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; });
  if (is_plain && !is_cut) {
    to.append("\"").append(text).append("\"");
    return;
  }
  const nlohmann::json json = std::string(text) + (is_cut ? "..." : "");
  to += json.dump(-1, ' ', as_ascii, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string RejectAbout::line_end_bytes() const {
  return in_encoding(*this, std::string(csv::text_of(line_end)));
}

/// Text in wide units begins with the mark that says so: nothing else does.
std::string RejectAbout::bytes_in_front() const {
  const bool has_mark = encoding && encoding->is_wide();
  const std::string mark = has_mark ? in_encoding(*this, "\xef\xbb\xbf") : "";
  const std::string before = mark + in_encoding(*this, front);
  return header.empty() ? before : before + in_encoding(*this, header) + line_end_bytes();
}

std::string RejectAbout::bytes_behind() const {
  std::string footer;
  for (std::uint64_t i = 0; i < footer_lines; ++i) footer += line_end_bytes();
  return footer;
}

RejectText::RejectText(const RejectAbout& about, const chunk::Chunk& chunk,
                       std::optional<std::int64_t> attempt)
    : chunk_(chunk), is_ascii_(!attempt), end_(about.line_end_bytes()), head_(R"({"file":)") {
  if (about.encoding) encoding_.emplace(*about.encoding);
  append_text(head_, about.source, is_ascii_);
  const std::string load = about.load ? std::to_string(about.load->value) : "null";
  tail_ = fmt::format(R"(,"load":{},"chunk":{})", load, chunk.number);
  if (attempt) tail_ += fmt::format(R"(,"attempt":{})", *attempt);
  tail_ += '}';
}

void RejectText::add(const tuple::Reject& reject, std::string& records, std::string& reasons) {
  const std::size_t begin = records.size();
  const std::string_view record = chunk_.bytes().substr(reject.begin, reject.size);
  records += encoding_ ? encoding_->bytes_of(record) : record;
  const std::size_t byte_count = records.size() - begin;
  records += end_;
  reasons += head_;
  fmt::format_to(std::back_inserter(reasons), R"(,"byte_offset":{},"line":{},"record":{})",
                 reject.position.byte_offset, reject.position.line, reject.position.record);
  const std::pair<const char*, std::string_view> texts[] = {
      {R"(,"column":)", reject.column},
      {R"(,"value":)", reject.value},
      {R"(,"sqlstate":)", reject.sql_state},
      {R"(,"constraint":)", reject.constraint},
      {R"(,"message":)", reject.message}};
  for (const auto& [name, text] : texts) {
    reasons += name;
    append_text(reasons, text, is_ascii_);
  }
  fmt::format_to(std::back_inserter(reasons), R"(,"byte_count":{})", byte_count);
  reasons += tail_;
}

}  // namespace sluice::rejects
