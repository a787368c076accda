#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::s3 {

/// Whether a key as somebody writes it is a pattern: it has one of * ? [ that no backslash stands
/// in front of, or a list {a,b}.
bool is_pattern(std::string_view text);

/// The key that a text without a pattern means: a backslash in front of one of * ? [ ] { } ,
/// \ takes it as it is, every other one is a part of the key.
std::string plain_key(std::string_view text);
/// The other way: how somebody writes a key, so that it is taken for no pattern.
std::string written_key(std::string_view key);

/// Which keys are meant, as source::matches() has it for files: * ? [a-z] between two slashes, **
/// between two for any number of names, none included, {a,b} for one or the other, in one another
/// too. A name that begins with a dot is matched by a pattern that does.
class Pattern {
 public:
  /// Throws Failure{usage} for one that means too many patterns.
  explicit Pattern(std::string_view text);

  bool matches(std::string_view key) const;

  /// What the keys begin with: enough to find each in one listing, and none of them begins another.
  const std::vector<std::string>& prefixes() const { return prefixes_; }

 private:
  /// One way through the lists: its names between slashes, as fnmatch() reads them.
  using Names = std::vector<std::string>;

  std::vector<Names> ways_;
  std::vector<std::string> prefixes_;
};

}  // namespace sluice::s3
