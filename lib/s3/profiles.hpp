#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::s3 {

/// Of one profile: names in small letters, and their values. Where a name stands in both files,
/// that of the credentials holds.
using Profile = std::map<std::string, std::string>;

/// In a profile: endpoint_url below "s3 =" in the section [services X] that its `services` names.
inline constexpr const char* services_endpoint = "s3.endpoint_url";

/// What ~/.aws/credentials and ~/.aws/config say (AWS SDKs and Tools: "Shared config and
/// credentials files"). Never throws for what stands in them: other programs have settings there
/// that are none of ours. Of values that are lists of settings no
/// other is read.
class Profiles {
 public:
  Profiles(std::string_view credentials, std::string_view config);

  /// Null where neither file has it.
  const Profile* find(const std::string& name) const;

 private:
  std::map<std::string, Profile> profiles_;
};

}  // namespace sluice::s3
