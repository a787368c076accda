#include "s3/credentials.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "s3/providers.hpp"

namespace sluice::s3 {
namespace {

using std::chrono::sys_seconds;
using namespace std::chrono_literals;

/// Renewed so long before they expire, or in the last quarter of a shorter life.
constexpr std::chrono::seconds renewal_ahead = 5min;
constexpr std::chrono::seconds renewal_again = 1min;

}  // namespace

KeyRing::KeyRing(Machine machine, KeyOptions options)
    : machine_(std::move(machine)), options_(std::move(options)) {
  const auto environment = [this] { return keys_of_environment(machine_); };
  const auto web_identity = [this] { return keys_by_web_identity(machine_, options_.region); };
  const auto profile = [this] { return keys_of_profile(machine_, options_); };
  const auto container = [this] { return keys_of_container(machine_); };
  const auto instance = [this] { return keys_of_instance(machine_); };
  // A profile that the command names is meant, whatever the environment has.
  if (options_.profile.empty()) providers_.push_back({"the environment", environment});
  if (options_.profile.empty() && !options_.only_given)
    providers_.push_back({"a web identity", web_identity});
  providers_.push_back({"profile " + profile_name(machine_, options_.profile), profile});
  if (options_.only_given) return;
  providers_.push_back({"a container", container});
  providers_.push_back({"an instance's metadata", instance});
}

bool KeyRing::holds(sys_seconds now) const { return !found_->expires || now < *found_->expires; }

bool KeyRing::is_due(sys_seconds now) const {
  if (!found_->expires) return false;
  const std::chrono::seconds life = *found_->expires - found_at_;
  return now >= *found_->expires - std::min(renewal_ahead, life / 4);
}

Credentials KeyRing::current() {
  const std::lock_guard lock(mutex_);
  const sys_seconds now = machine_.now();
  if (found_ && holds(now) && (!is_due(now) || now < not_before_)) return *found_;
  try {
    Credentials found = find();
    if (found.expires && *found.expires <= now) {
      throw Failure(FailureKind::failed,
                    "keys for S3 from " + found.provider + ": they have expired",
                    "Get new ones, or set this machine's clock.");
    }
    found_ = std::move(found);
    found_at_ = now;
  } catch (const Failure&) {
    if (!found_ || !holds(now)) throw;
    not_before_ = now + renewal_again;
  }
  return *found_;
}

void KeyRing::forget() {
  const std::lock_guard lock(mutex_);
  found_.reset();
}

/// Who has given keys once is asked again, and nobody else.
Credentials KeyRing::find() {
  std::string asked;
  for (std::size_t i = 0; i < providers_.size(); ++i) {
    if (chosen_ && *chosen_ != i) continue;
    if (!asked.empty()) asked += ", ";
    asked += providers_[i].name;
    if (auto found = providers_[i].ask()) {
      chosen_ = i;
      return *found;
    }
  }
  throw Failure(FailureKind::usage, "there are no keys for S3: asked were " + asked,
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile "
                "(--s3-profile). --s3-anonymous reads what is public.");
}

}  // namespace sluice::s3
