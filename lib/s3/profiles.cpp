#include "s3/profiles.hpp"

#include <algorithm>

#include "s3/url_text.hpp"

namespace sluice::s3 {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// A comment begins behind a blank, or a line.
std::string_view without_comment(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_mark = text[at] == '#' || text[at] == ';';
    if (is_mark && (at == 0 || is_blank(text[at - 1]))) return text.substr(0, at);
  }
  return text;
}

/// Of "[profile x]" in the config, of "[x]" in the credentials; empty for what is no profile's.
std::string profile_of(std::string_view section, bool is_config) {
  section = trimmed(section);
  if (!is_config) return std::string(section);
  constexpr std::string_view word = "profile";
  if (section.starts_with(word) && section.size() > word.size() && is_blank(section[word.size()]))
    return std::string(trimmed(section.substr(word.size())));
  return section == "default" ? "default" : "";
}

class Reading {
 public:
  Reading(std::map<std::string, Profile>& profiles, bool is_config)
      : profiles_(profiles), is_config_(is_config) {}

  void take(std::string_view line) {
    // A line that is indented belongs to the value above: a list of settings.
    const bool is_indented = !line.empty() && is_blank(line.front());
    const std::string_view text = trimmed(without_comment(line));
    if (text.empty() || is_indented) return;
    if (text.front() == '[') {
      const std::size_t end = text.find(']');
      const std::string name =
          profile_of(text.substr(1, end == std::string_view::npos ? end : end - 1), is_config_);
      open_ = name.empty() ? nullptr : &profiles_[name];
      return;
    }
    const std::size_t equals = text.find('=');
    if (open_ == nullptr || equals == std::string_view::npos) return;
    const std::string_view value = trimmed(text.substr(equals + 1));
    if (!value.empty())
      (*open_)[in_small_letters(trimmed(text.substr(0, equals)))] = std::string(value);
  }

 private:
  std::map<std::string, Profile>& profiles_;
  bool is_config_;
  Profile* open_ = nullptr;
};

void read(std::string_view text, bool is_config, std::map<std::string, Profile>& profiles) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Reading reading(profiles, is_config);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reading.take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

Profiles::Profiles(std::string_view credentials, std::string_view config) {
  read(config, true, profiles_);
  read(credentials, false, profiles_);
}

const Profile* Profiles::find(const std::string& name) const {
  const auto at = profiles_.find(name);
  return at == profiles_.end() ? nullptr : &at->second;
}

}  // namespace sluice::s3
