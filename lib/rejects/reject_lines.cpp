#include "rejects/reject_lines.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>

#include "base/limits.hpp"
#include "rejects/reject_place.hpp"

namespace sluice::rejects {
namespace {

constexpr std::size_t name_characters = 16;
constexpr const char* hexadecimal = "0123456789abcdef";

std::optional<std::int64_t> number(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

/// An invalid one where it is no object of this load.
nlohmann::json object_of(const std::string& text, std::optional<LoadId> load) {
  auto json = nlohmann::json::parse(text, nullptr, false);
  const bool is_own = json.is_object() && load && number(json, "load") == load->value;
  return is_own ? std::move(json) : nlohmann::json();
}

}  // namespace

std::optional<RejectLine> read_reject_line(const std::string& text, std::optional<LoadId> load) {
  const nlohmann::json json = object_of(text, load);
  if (!json.is_object()) return std::nullopt;
  const auto chunk = number(json, "chunk");
  const auto attempt = number(json, "attempt");
  const auto bytes = number(json, "byte_count");
  if (!chunk || !attempt || !bytes || *bytes < 0 ||
      *bytes > static_cast<std::int64_t>(limits::record_bytes_max))
    return std::nullopt;
  const std::int64_t line = number(json, "line").value_or(0);
  return RejectLine{*chunk, *attempt, static_cast<std::uint64_t>(*bytes),
                    static_cast<std::uint64_t>(std::max<std::int64_t>(line, 0))};
}

bool are_rejected(const std::string& path, ChunkId chunk, std::uint64_t first,
                  std::uint64_t lines) {
  const source::FileDescriptor reasons = reject_io::open_own(RejectPlace::reasons_path_of(path));
  if (reasons.get() < 0) return false;
  std::set<std::uint64_t> found;
  LineReader reader(reasons);
  for (std::string text; reader.next(text);) {
    const std::optional<RejectLine> reject = read_reject_line(text, chunk.load);
    const bool is_one = reject && reject->chunk == chunk.number && reject->line >= first &&
                        reject->line - first < lines;
    if (is_one) found.insert(reject->line);
  }
  return found.size() == lines;
}

std::string rewriting_line(std::optional<LoadId> load, const std::string& name) {
  return fmt::format("{{\"load\":{},\"rewriting\":\"{}\"}}\n",
                     load ? std::to_string(load->value) : "null", name);
}

std::optional<std::string> read_rewriting_line(const std::string& text,
                                               std::optional<LoadId> load) {
  const nlohmann::json json = object_of(text, load);
  if (!json.is_object()) return std::nullopt;
  const auto found = json.find("rewriting");
  if (found == json.end() || !found->is_string()) return std::nullopt;
  // It becomes part of a path.
  const auto name = found->get<std::string>();
  const bool is_name =
      name.size() == name_characters && name.find_first_not_of(hexadecimal) == std::string::npos;
  return is_name ? std::optional(name) : std::nullopt;
}

bool LineReader::next(std::string& line) {
  for (std::size_t searched = begin_;;) {
    const std::size_t end = bytes_.find('\n', searched);
    if (end != std::string::npos) {
      line.assign(bytes_, begin_, end - begin_);
      begin_ = end + 1;
      return true;
    }
    bytes_.erase(0, begin_);
    begin_ = 0;
    searched = bytes_.size();
    bytes_.resize(searched + limits::MiB);
    ssize_t n = 0;
    do {
      n = ::pread(file_.get(), bytes_.data() + searched, limits::MiB, static_cast<off_t>(at_));
    } while (n < 0 && errno == EINTR);
    bytes_.resize(searched + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n <= 0) return false;
    at_ += static_cast<std::uint64_t>(n);
  }
}

}  // namespace sluice::rejects
