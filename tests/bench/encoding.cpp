#include "bench/encoding.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::bench {
namespace {

/// "timestamptz" of "ts timestamptz, id int" and so on.
std::vector<std::uint32_t> types_of(const DataSet& set) {
  static const std::map<std::string, std::uint32_t> oids{{"timestamptz", tuple::oid::timestamptz},
                                                         {"timestamp", tuple::oid::timestamp},
                                                         {"int", tuple::oid::int4},
                                                         {"bigint", tuple::oid::int8},
                                                         {"float8", tuple::oid::float8},
                                                         {"numeric", tuple::oid::numeric},
                                                         {"char", tuple::oid::bpchar},
                                                         {"varchar", tuple::oid::varchar},
                                                         {"text", tuple::oid::text},
                                                         {"date", tuple::oid::date}};
  std::vector<std::uint32_t> types;
  for (std::size_t at = 0; at < set.columns.size();) {
    const std::size_t begin = set.columns.find(' ', at) + 1;
    const std::size_t end = set.columns.find_first_of("(,", begin);
    types.push_back(oids.at(set.columns.substr(begin, end - begin)));
    at = set.columns.find(", ", begin);
    if (at == std::string::npos) break;
    at += 2;
  }
  return types;
}

}  // namespace

tuple::EncoderPlan plan_of(const DataSet& set) {
  tuple::EncoderPlan plan;
  for (const std::uint32_t type : types_of(set)) {
    plan.fields.push_back({false, tuple::codec_of({type}, {.time_zone_is_utc = true}), {}});
    ++plan.columns;
    ++plan.csv_columns;
  }
  return plan;
}

}  // namespace sluice::bench
