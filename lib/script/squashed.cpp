#include "script/squashed.hpp"

namespace sluice::script {
namespace {

bool is_applied(const Entry& entry) { return entry.state == Entry::State::applied; }

/// Up to which version all is there, by a file that stands for others.
std::optional<Version> covered(const Script& script,
                               const std::map<Version, const Entry*>& versioned,
                               const std::optional<Version>& baseline) {
  std::optional<Version> up_to = baseline;
  for (const Replaced& one : script.directives.replaces) {
    const auto found = versioned.find(one.version);
    const bool is_there = one.stands_for_others && found != versioned.end() &&
                          is_applied(*found->second) && has_content(*found->second, one.checksum);
    if (is_there && (!up_to || *up_to < one.version)) up_to = one.version;
  }
  return up_to;
}

/// Of one version there may be two: the file that stood for others, and the one before it.
bool is_known(const Script& script, const Entry& entry) {
  for (const Replaced& one : script.directives.replaces)
    if (one.version == entry.version && has_content(entry, one.checksum)) return true;
  return is_accepted_as_gone(entry);
}

}  // namespace

Squashed judge_squashed(const Script& script, const std::map<Version, const Entry*>& versioned,
                        const std::optional<Version>& baseline) {
  const std::optional<Version> up_to = covered(script, versioned, baseline);
  Squashed squashed;
  bool has_one = up_to.has_value();
  for (const Replaced& one : script.directives.replaces) {
    if (up_to && one.version <= *up_to) continue;
    const auto found = versioned.find(one.version);
    const bool is_there = found != versioned.end();
    has_one = has_one || is_there;
    if (is_there && is_applied(*found->second) && is_known(script, *found->second)) continue;
    if (!squashed.missing.empty()) continue;
    squashed.missing =
        one.file + (!is_there                    ? " is not applied"
                    : is_applied(*found->second) ? " was applied with another content"
                                                 : " has not ended");
  }
  if (!squashed.missing.empty()) squashed.has = has_one ? Squashed::Has::some : Squashed::Has::none;
  return squashed;
}

}  // namespace sluice::script
