#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "s3/machine.hpp"
#include "s3/sign.hpp"

namespace sluice::s3 {

/// Keys, and what is known of them.
struct Credentials {
  Keys keys;
  /// nullopt for keys that hold until somebody takes them back.
  std::optional<std::chrono::sys_seconds> expires;
  /// Who has handed them out, for people: "profile dev". Never a value.
  std::string provider;
};

struct KeyOptions {
  std::string profile;  ///< --s3-profile; empty without
  std::string region;   ///< of STS; empty for its global endpoint
  /// Keys that somebody has written down, and no others: those that AWS hands out to this machine
  /// are not for others than AWS. A role of this machine's is, where `profile` names it.
  bool only_given = false;
};

/// The keys of a run: looked for in the order of AWS's SDKs (environment, web identity, profile,
/// container, instance metadata), renewed by the same provider before they expire. What a provider
/// that is configured cannot hand out is a Failure; the next one is asked only where there is none.
/// Any thread.
class KeyRing {
 public:
  KeyRing(Machine machine, KeyOptions options);

  /// Throws Failure where nobody has keys, or those that have expired cannot be renewed. While they
  /// hold, a failed renewal is tried again a minute later.
  Credentials current();

  /// They were refused as too old: the next ones are asked for anew, which also reads files again.
  void forget();

 private:
  struct Provider {
    std::string name;
    std::function<std::optional<Credentials>()> ask;
  };

  Credentials find();
  bool is_due(std::chrono::sys_seconds now) const;
  bool holds(std::chrono::sys_seconds now) const;

  Machine machine_;
  KeyOptions options_;
  std::vector<Provider> providers_;
  std::mutex mutex_;
  std::optional<std::size_t> chosen_;
  std::optional<Credentials> found_;
  std::chrono::sys_seconds found_at_{};
  std::chrono::sys_seconds not_before_{};
};

}  // namespace sluice::s3
