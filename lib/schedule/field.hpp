#pragma once

#include <bitset>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// A field of a cron expression, as crontab(5) writes it: names, lists, ranges and steps.
namespace sluice::schedule {

/// A field's name, bounds and names for its numbers.
struct FieldKind {
  std::string_view name;
  int least;
  int most;
  std::span<const std::string_view> names;
  int names_from = 0;  ///< the number of the first name
};

/// What is wrong, without the expression around it.
struct Wrong {
  std::string what;
};

/// The numbers that a field means; 59 is the greatest that any has.
using Numbers = std::bitset<60>;

std::string lower(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);

/// A number, or its name. Throws Wrong.
int parse_number(std::string_view text, const FieldKind& kind);

/// Sets the numbers of one element of a list: *, 5, 1-5, */2, 1-5/2. Throws Wrong.
void parse_element(std::string_view text, const FieldKind& kind, Numbers& numbers);

/// All of a field. Throws Wrong.
Numbers parse_field(std::string_view text, const FieldKind& kind);

}  // namespace sluice::schedule
