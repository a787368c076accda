#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "base/project.hpp"
#include "migrate/stop.hpp"
#include "script/placeholders.hpp"
#include "script/plan_back.hpp"
#include "script/version.hpp"

namespace sluice::migrate {

/// How migrations run.
struct Options {
  std::string conninfo;
  Project project;
  std::optional<script::Version> to;  ///< the last version to run
  script::Placeholders placeholders;
  std::chrono::milliseconds lock_wait = limits::migration_lock_wait;
  /// What a directive of a file can change. Zero: no limit.
  std::chrono::milliseconds lock_timeout = limits::migration_lock_timeout;
  std::chrono::milliseconds statement_timeout{};
  /// How long the server may take to answer a question of ours; zero: no limit.
  std::chrono::milliseconds stall_max = limits::stall_default;
  bool dry_run = false;
  /// A table of so many bytes is not to be blocked for longer than the lock timeout; nothing: any
  /// may.
  std::optional<std::uint64_t> safe_bytes;
  bool only_reads = false;  ///< the history: what is advised then is less
  std::string schema;       ///< one of many that have all of the folder; empty: there is but one
  bool strict = false;      ///< a folder that is behind the history is drift
};

/// What `down` does beside.
struct BackOptions {
  script::BackWish wish;
  bool without_transaction = false;  ///< ways back that are none may run too
  /// Asked with the paths of what is to be taken back, the newest first, before it is.
  std::function<bool(const std::vector<std::string>&)> agree;
};

/// What is told while it goes on.
struct Listener {
  std::function<void(const std::string&)> note;
  std::function<void(const script::Script&, std::chrono::duration<double>)> applied;
  std::function<void(const script::Script&, std::chrono::duration<double>)> taken_back;
  std::function<void(const std::string&)> begins;  ///< what runs now, for who asks it to stop
};

}  // namespace sluice::migrate
