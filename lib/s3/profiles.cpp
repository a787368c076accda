#include "s3/profiles.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/trimmed.hpp"
#include "s3/url_text.hpp"

namespace sluice::s3 {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// A comment begins behind a blank, or a line.
std::string_view without_comment(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_mark = text[at] == '#' || text[at] == ';';
    if (is_mark && (at == 0 || is_blank(text[at - 1]))) return text.substr(0, at);
  }
  return text;
}

/// Of "[WORD x]": x; else empty.
std::string named_behind(std::string_view word, std::string_view section) {
  section = trimmed(section);
  if (!section.starts_with(word) || section.size() <= word.size() ||
      !is_blank(section[word.size()]))
    return "";
  return std::string(trimmed(section.substr(word.size())));
}

/// Of "[profile x]" in the config, of "[x]" in the credentials; empty for what is no profile's.
std::string profile_of(std::string_view section, bool is_config) {
  section = trimmed(section);
  if (!is_config) return std::string(section);
  return section == "default" ? "default" : named_behind("profile", section);
}

using Sections = std::map<std::string, Profile>;

class Reading {
 public:
  /// `services` is null for the credentials, which have none.
  Reading(Sections& profiles, Sections* services) : profiles_(profiles), services_(services) {}

  void take(std::string_view line) {
    // A line that is indented belongs to the value above: a list of settings.
    const bool is_indented = !line.empty() && is_blank(line.front());
    const std::string_view text = trimmed(without_comment(line));
    if (text.empty()) return;
    if (text.front() == '[' && !is_indented) {
      const std::size_t end = text.find(']');
      open(text.substr(1, end == std::string_view::npos ? end : end - 1));
      return;
    }
    const std::size_t equals = text.find('=');
    if (open_ == nullptr || equals == std::string_view::npos) return;
    const std::string name = in_small_letters(trimmed(text.substr(0, equals)));
    const std::string_view value = trimmed(text.substr(equals + 1));
    if (!is_indented) list_ = value.empty() ? name : "";
    if (is_indented && (!is_of_services_ || list_.empty())) return;
    if (!value.empty()) (*open_)[is_indented ? list_ + "." + name : name] = std::string(value);
  }

 private:
  void open(std::string_view section) {
    list_.clear();
    const std::string services =
        services_ == nullptr ? std::string() : named_behind("services", section);
    const std::string profile = profile_of(section, services_ != nullptr);
    is_of_services_ = !services.empty();
    open_ = nullptr;
    if (is_of_services_) {
      open_ = &(*services_)[services];
    } else if (!profile.empty()) {
      open_ = &profiles_[profile];
    }
  }

  Sections& profiles_;
  Sections* services_;
  Profile* open_ = nullptr;
  bool is_of_services_ = false;
  std::string list_;  ///< whose settings are indented
};

void read(std::string_view text, Sections& profiles, Sections* services) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Reading reading(profiles, services);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reading.take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

Profiles::Profiles(std::string_view credentials, std::string_view config) {
  Sections services;
  read(config, profiles_, &services);
  read(credentials, profiles_, nullptr);
  for (auto& [name, profile] : profiles_) {
    const auto named = profile.find("services");
    const auto at = named == profile.end() ? services.end() : services.find(named->second);
    if (at == services.end()) continue;
    if (const auto url = at->second.find(services_endpoint); url != at->second.end())
      profile[services_endpoint] = url->second;
  }
}

const Profile* Profiles::find(const std::string& name) const {
  const auto at = profiles_.find(name);
  return at == profiles_.end() ? nullptr : &at->second;
}

}  // namespace sluice::s3
