#include "migrate/apply.hpp"
#include "migrate/own_transaction.hpp"
#include "migrate/words.hpp"

/// Files that are run one statement after the other by somebody who looks on.
namespace sluice::migrate {

void Apply::rehearse_units(const script::Script& script, const EachUnit& each) {
  const Task task{.script = script};
  const bool is_whole = script.directives.in_transaction;
  session_.query(settings(script, is_whole ? Set::for_transaction : Set::for_session) +
                 nothing_left);
  script::Stretches stretches(script, options_.placeholders);
  while (std::optional<script::Stretch> stretch = stretches.next()) {
    for (std::size_t i = 0; i < stretch->units.size(); ++i) {
      try {
        each(*stretch, i, [&] {
          const std::string unit(stretch->unit(i));
          const bool has_data = stretch->has_data && i + 1 == stretch->units.size();
          const std::string behind = is_whole ? sql("\n;{}", require_own()).text() : "";
          if (!has_data) return void(session_.query(unit + behind, stop_));
          session_.copy(unit, [&stretches] { return stretches.data(); }, stop_);
        });
      } catch (const SqlError& error) {
        if (error.is_lost()) throw Words(secrets_, script).error(error, script.path + ": ");
        if (!roll_back_own(session_, error) && is_whole)
          throw FileHistory(script, nullptr, nullptr).ended_itself(false);
        throw failure_of(task, error, unit_culprit(*stretch, i), "all is rolled back");
      }
    }
  }
}

}  // namespace sluice::migrate
