#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/names.hpp"

namespace sluice::jobs {

/// Whom the end of a run is told to: a program that reads it on its stdin, or a URL that it is
/// posted to, as JSON.
struct Hook {
  std::vector<std::string> command;  ///< the program first; no shell reads it
  std::string url;                   ///< it may be a secret: it is shown nowhere
  std::string ca_file;               ///< the authorities that are trusted; empty: the system's
  std::string folder;                ///< where the program runs; empty: where the scheduler does

  bool is_given() const { return !command.empty() || !url.empty(); }
  /// What may be shown of it: the program, or scheme, host and port of the URL.
  std::string shown() const;
};

enum class HookKind { on_failure, on_success, on_recovery };
constexpr auto names_of(HookKind) {
  return std::array{Named{HookKind::on_failure, "on_failure"},
                    Named{HookKind::on_success, "on_success"},
                    Named{HookKind::on_recovery, "on_recovery"}};
}

/// Those of a job.
struct Hooks {
  Hook on_failure;
  Hook on_success;
  Hook on_recovery;  ///< after a success that follows a failure, and after on_success

  template <class Self>
  static auto& of(Self& hooks, HookKind kind) {
    if (kind == HookKind::on_failure) return hooks.on_failure;
    return kind == HookKind::on_success ? hooks.on_success : hooks.on_recovery;
  }
};

}  // namespace sluice::jobs
