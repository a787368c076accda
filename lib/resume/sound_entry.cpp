#include "resume/sound_entry.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/limits.hpp"
#include "ledger/damaged.hpp"

namespace sluice::resume {
namespace {

bool is_count(const nlohmann::json& json) {
  return json.is_number_unsigned() && json.get<std::uint64_t>() <= ledger::largest_count;
}

bool is_place(const nlohmann::json& json) {
  return json.is_array() && json.size() == 3 && std::ranges::all_of(json, is_count);
}

/// Of a size in bytes; 0 is none.
void require_bytes(const ledger::LoadEntry& load, const char* name, std::uint64_t bytes,
                   std::uint64_t max) {
  if (bytes == 0 || bytes > max)
    throw ledger::damaged(load.id, std::string(name) + " is " + std::to_string(bytes));
}

}  // namespace

void require_sound(const ledger::LoadEntry& load) {
  if (!load.damage.empty()) throw ledger::Damaged(load.damage);
  require_bytes(load, "chunk_bytes", load.chunk_bytes, limits::chunk_bytes_max);
  require_bytes(load, "record_bytes_max", load.record_bytes_max, limits::record_bytes_max);
  const auto options = nlohmann::json::parse(load.options, nullptr, false);
  if (!options.is_object()) throw ledger::damaged(load.id, "options is no object");
  if (options.contains("begins") && !is_place(options["begins"]))
    throw ledger::damaged(load.id, "begins in options is no place in a file");
  if (options.contains("limit") && !is_count(options["limit"]))
    throw ledger::damaged(load.id, "limit in options is no number of records");
  if (load.behind_load && !options.contains("begins"))
    throw ledger::damaged(load.id, "it goes on behind a load, and options has no begins");
}

}  // namespace sluice::resume
