#include "plan/reading.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace sluice::plan {
namespace {

/// What the input function of a type asks for beside the text.
enum class Asks { nothing, dates, money, xml, path };

struct BuiltIn {
  std::uint32_t type;
  std::uint32_t array;
  Asks asks = Asks::nothing;
};

// By pg_type.dat. Of a type that is not here anything may be asked: of those of extensions, of
// composite ones and of ranges of these.
constexpr std::array<BuiltIn, 67> built_in{{
    {16, 1000},
    {17, 1001},
    {18, 1002},
    {19, 1003},
    {20, 1016},
    {21, 1005},
    {23, 1007},
    {25, 1009},
    {26, 1028},
    {27, 1010},
    {28, 1011},
    {29, 1012},
    {114, 199},
    {600, 1017},
    {601, 1018},
    {602, 1019},
    {603, 1020},
    {604, 1027},
    {628, 629},
    {650, 651},
    {700, 1021},
    {701, 1022},
    {718, 719},
    {774, 775},
    {829, 1040},
    {869, 1041},
    {1042, 1014},
    {1043, 1015},
    {1560, 1561},
    {1562, 1563},
    {1700, 1231},
    {2950, 2951},
    {3220, 3221},
    {3614, 3643},
    {3615, 3645},
    {3802, 3807},
    {3904, 3905},
    {3906, 3907},
    {3926, 3927},
    {4072, 4073},
    {4089, 4090},
    {4096, 4097},
    {4451, 6150},
    {4532, 6151},
    {4536, 6157},
    {5069, 271},
    {1082, 1182, Asks::dates},  // date, time, timestamp, timestamptz, interval, timetz
    {1083, 1183, Asks::dates},
    {1114, 1115, Asks::dates},
    {1184, 1185, Asks::dates},
    {1186, 1187, Asks::dates},
    {1266, 1270, Asks::dates},
    {3908, 3909, Asks::dates},  // ranges of them, and of these
    {3910, 3911, Asks::dates},
    {3912, 3913, Asks::dates},
    {4533, 6152, Asks::dates},
    {4534, 6153, Asks::dates},
    {790, 791, Asks::money},
    {142, 143, Asks::xml},
    {24, 1008, Asks::path},  // regproc, and the others that are named as in SQL
    {2202, 2207, Asks::path},
    {2203, 2208, Asks::path},
    {2204, 2209, Asks::path},
    {2205, 2210, Asks::path},
    {2206, 2211, Asks::path},
    {3734, 3735, Asks::path},
    {3769, 3770, Asks::path},
}};

void add(Asks asks, std::set<std::string_view>& names) {
  switch (asks) {
    case Asks::nothing: break;
    case Asks::dates:
      names.insert({"DateStyle", "IntervalStyle", "TimeZone", "timezone_abbreviations"});
      break;
    case Asks::money: names.insert("lc_monetary"); break;
    case Asks::xml: names.insert("xmloption"); break;
    case Asks::path: names.insert("search_path"); break;
  }
}

/// Adds the names for a type. False where nothing is known of it.
bool add_type(const tuple::Type& type, std::set<std::string_view>& names) {
  if (type.kind == tuple::Type::enumeration) return true;
  for (const BuiltIn& known : built_in) {
    if (type.id != known.type && type.id != known.array) continue;
    add(known.asks, names);
    if (type.id == known.array) names.insert("array_nulls");
    return true;
  }
  return false;
}

}  // namespace

std::map<std::string, std::string> settings_that_read(
    const tuple::Mapping& mapping, const tuple::Table& table,
    const std::map<std::string, std::string>& all) {
  std::set<std::string_view> names;
  for (const auto& to : mapping.targets)
    if (to && !add_type(table.columns[*to].base_type, names)) return all;
  std::map<std::string, std::string> settings = all;
  std::erase_if(settings, [&names](const auto& setting) { return !names.contains(setting.first); });
  return settings;
}

}  // namespace sluice::plan
