#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "script/script.hpp"
#include "script/written_places.hpp"

namespace sluice::script {

using Placeholders = std::map<std::string, std::string>;

/// Puts the values of the placeholders that a file declares (`-- pgsluice: placeholder name`) into
/// its text: `${name}` anywhere, as it is; `:'name'` as a string constant and `:"name"` as an
/// identifier, outside of quotes and comments, as in psql. What is not declared stays as it is.
/// The variables of a file (Ways) have the values of the placeholders of their names.
class Substitution {
 public:
  /// Throws Failure{usage} for one without a value.
  Substitution(const Script& script, const Placeholders& values);

  /// The file declares none: every text stays what it is.
  bool is_empty() const { return bare_.empty(); }
  /// `colons` are the places where a lone colon stands in code, in their order. `places` hears what
  /// becomes of the text.
  std::string apply(std::string_view text, const std::vector<std::size_t>& colons,
                    WrittenPlaces& places) const;
  std::string apply(std::string_view text, const std::vector<std::size_t>& colons) const {
    WrittenPlaces unused;
    return apply(text, colons, unused);
  }

 private:
  struct Form {
    std::string form;  ///< :'name', :"name" or ${name}
    std::string value;
  };
  /// Which of them stands at this offset; nullptr: none.
  static const Form* form_at(const std::vector<Form>& forms, std::string_view text, std::size_t at);
  void append_with_bare(std::string_view text, std::string& result, WrittenPlaces& places) const;

  std::vector<Form> quoted_;
  std::vector<Form> bare_;
};

/// Throws Failure{usage} if a value is given that no file of the folder asks for.
void check_placeholders(const Folder& folder, const Placeholders& values);

}  // namespace sluice::script
