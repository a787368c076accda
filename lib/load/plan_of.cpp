#include "load/plan_of.hpp"

#include "load/judge_sql.hpp"
#include "pg/encoding.hpp"
#include "plan/data_encoding.hpp"

namespace sluice::load {

asio::awaitable<plan::Plan> plan_of(Run& run, plan::LoadOptions options, source::Source& source,
                                    Findings found) {
  plan::adopt(options, found.beginning.preamble);
  if (source.encoding() != nullptr) {
    found.target.data_encoding = pg::utf8;
    found.target.session.text_is_utf8 = true;
    plan::require_header_in(*source.encoding(), found.beginning, options);
  }
  co_await plan::bring_together(run.on.pool, found.target.data_encoding, found.beginning, options);
  std::optional<plan::Selecting> selecting;
  if (!options.select.empty())
    selecting = co_await judge_list(run.on.pool, options, found.target, found.beginning.preamble);
  co_return plan::make_plan(std::move(options), source, std::move(found.beginning),
                            std::move(found.target), std::move(found.unique_keys),
                            std::move(found.indexes), found.jobs, std::move(selecting));
}

}  // namespace sluice::load
