#include "ledger/damaged.hpp"

#include <charconv>

namespace sluice::ledger {

Damaged damaged(LoadId load, const std::string& what) {
  const std::string id = std::to_string(load.value);
  return Damaged("the ledger's row of load " + id + " is damaged: " + what,
                 "Something else than pgsluice has changed pgsluice.loads or pgsluice.chunks "
                 "(load_id = " +
                     id + "): correct it, or delete the row.");
}

std::uint64_t read_count(const pg::Result& rows, std::size_t row, int column, LoadId load,
                         const std::string& name, std::uint64_t max) {
  const std::string text(rows.text(row, column));
  const bool is_integer =
      !text.empty() &&
      text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) == std::string::npos;
  // What is no number at all is no answer to the question, whatever the table has.
  if (!is_integer) return rows.count(row, column);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value <= max) return value;
  throw damaged(load, name + " is " + text.substr(0, 40));
}

}  // namespace sluice::ledger
