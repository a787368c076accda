#include "serve/ledger_view.hpp"

#include <algorithm>

#include "ledger/ledger.hpp"
#include "report/load.hpp"
#include "serve/named_upload.hpp"

namespace sluice::serve {
namespace {

ledger::LoadsFilter::State state_named(const std::string& name) {
  std::string known;
  for (const auto& [state, its_name] : names_of(ledger::LoadsFilter::State())) {
    if (name == its_name) return state;
    known += (known.empty() ? "" : ", ") + std::string(its_name);
  }
  throw Refused{400, "state is one of " + known + ", and not \"" + name + "\""};
}

bool may_see(const ledger::LoadEntry& load, const Permission& permission) {
  try {
    return permission.may_use(table_name_of(load.target));
  } catch (const Refused&) {
    return permission.may_use(TableName{});
  }
}

/// Where a host keeps its files is not shown.
nlohmann::ordered_json json_of(const ledger::LoadEntry& load) {
  nlohmann::ordered_json json = report::json_of(load);
  json.erase("rejects_path");
  json.erase("source_path");
  return json;
}

asio::awaitable<std::vector<ledger::LoadEntry>> ask(pg::Pool& pool, ledger::LoadsFilter filter) {
  pg::Lease connection = co_await pool.acquire();
  if (!co_await ledger::is_readable(*connection, ledger::Use::read_loads))
    co_return std::vector<ledger::LoadEntry>();
  co_return co_await ledger::list_loads(*connection, std::move(filter));
}

/// Of a page that is not full by then the next one goes on.
constexpr std::size_t pages_max = 20;

}  // namespace

LoadsPage loads_page_of(const Query& query, const std::string& owner) {
  LoadsPage page;
  for (const auto& [name, value] : query) {
    if (name == "table") {
      table_name_of(value);
      page.filter.table = value;
    } else if (name == "state") {
      page.filter.state = state_named(value);
    } else if (name == "idempotency_key") {
      page.filter.upload_key = key_of_name(owner, idempotency_name(value));
    } else if (name == "before") {
      page.filter.before = LoadId{number_of(name, value, INT64_MAX)};
    } else if (name == "count") {
      page.count = static_cast<std::size_t>(number_of(name, value, limits::serve_page_max));
    } else {
      throw Refused{400,
                    "a list of loads is asked for by table, state, idempotency_key, before and "
                    "count, and not "
                    "by \"" +
                        name + "\""};
    }
  }
  return page;
}

asio::awaitable<Answer> list_loads(pg::Pool& pool, LoadsPage page, const Permission& permission) {
  nlohmann::ordered_json loads = nlohmann::ordered_json::array();
  // What may not be seen is left out here, so a page of a restricted token may take several looks.
  page.filter.count_max = std::max(page.count, limits::serve_page_default);
  bool is_last = false;
  std::size_t bytes = 0;
  const auto is_full = [&] {
    return loads.size() == page.count || bytes >= limits::serve_page_bytes;
  };
  for (std::size_t looks = 0; !is_last && !is_full() && looks < pages_max; ++looks) {
    const std::vector<ledger::LoadEntry> some = co_await ask(pool, page.filter);
    is_last = some.size() < page.filter.count_max;
    for (const ledger::LoadEntry& load : some) {
      if (is_full()) {
        is_last = false;
        break;
      }
      page.filter.before = load.id;
      if (!may_see(load, permission)) continue;
      loads.push_back(json_of(load));
      bytes += loads.back().dump().size();
    }
  }
  nlohmann::ordered_json json{{"loads", std::move(loads)}, {"next", nullptr}};
  if (!is_last) json["next"] = page.filter.before->value;
  co_return answer_of(200, json);
}

asio::awaitable<ledger::LoadEntry> find_load(pg::Pool& pool, std::int64_t id,
                                             const Permission& permission) {
  ledger::LoadsFilter filter;
  filter.id = LoadId{id};
  std::vector<ledger::LoadEntry> found = co_await ask(pool, std::move(filter));
  if (found.empty() || !may_see(found.front(), permission))
    throw Refused{404, "there is no load " + std::to_string(id)};
  co_return std::move(found.front());
}

Answer answer_of(const ledger::LoadEntry& load, const std::string* end) {
  nlohmann::ordered_json json = json_of(load);
  if (load.is_left() && end != nullptr)
    json["ended"] = nlohmann::ordered_json::parse(*end, nullptr, false);
  return answer_of(200, json);
}

asio::awaitable<void> ask_for_nothing(pg::Pool& pool) {
  pg::Lease connection = co_await pool.acquire();
  const Sql nothing = sql("select 1");
  co_await connection->query(nothing);
}

}  // namespace sluice::serve
