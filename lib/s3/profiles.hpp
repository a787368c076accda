#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::s3 {

/// Of one profile: names in small letters, and their values. Where a name stands in both files,
/// that of the credentials holds.
using Profile = std::map<std::string, std::string>;

/// What ~/.aws/credentials and ~/.aws/config say (AWS SDKs and Tools: "Shared config and
/// credentials files"). Never throws for what stands in them: other programs have settings there
/// that are none of ours. Values that are lists of settings are left out.
class Profiles {
 public:
  Profiles(std::string_view credentials, std::string_view config);

  /// Null where neither file has it.
  const Profile* find(const std::string& name) const;

 private:
  std::map<std::string, Profile> profiles_;
};

}  // namespace sluice::s3
