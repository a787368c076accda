#include "ledger/uploads.hpp"

#include "base/columns.hpp"
#include "base/failure.hpp"
#include "base/hex.hpp"
#include "base/sql.hpp"
#include "base/sql_state.hpp"
#include "ledger/grants.hpp"
#include "ledger/ledger.hpp"
#include "ledger/loads.hpp"
#include "ledger/run_lock.hpp"
#include "pg/batch.hpp"

namespace sluice::ledger {
namespace {

constexpr auto upload_columns = columns_of({
    {"key", "upload_key"},
    {"owner", "owner"},
    {"target", "target"},
    {"arguments", "arguments::text"},
    {"content", "content::text"},
    {"kept_bytes", "coalesce(octet_length(beginning), 0)"},
    {"has_mark", "coalesce(substr(beginning, 1, 3) = '\\xefbbbf'::bytea, false)"},
    {"told_offset", "told_offset"},
    {"answer", "coalesce(answer::text, '')"},
    // Of a row that was there its former version has been replaced.
    {"is_new", "xmax = 0"},
});

constexpr auto load_of_upload = columns_of({
    {"load", "l.load_id"},
    {"is_running", "l.state = 'unfinished' and {}"},
    {"waits_in_stage", "l.staged and l.state = 'unfinished'"},
    {"stored_end",
     "coalesce((select max(c.behind) from (select chunk, byte_offset + byte_count as behind, "
     "row_number() over (order by chunk) - 1 as place from pgsluice.chunks where load_id = "
     "l.load_id) c where c.chunk = c.place), 0)"},
});

Sql load_query(const std::string& key) {
  const Sql is_held = RunLock::is_held_expression(sql("l.target_oid::text"), sql("l.fingerprint"));
  return sql("select {} from pgsluice.loads l where l.upload_key = {} and l.state <> 'void'",
             load_of_upload.list(is_held), literal(key));
}

KnownUpload read_upload(const pg::Result& rows) {
  static constexpr auto& at = upload_columns;
  const auto text = [&rows](int column) { return std::string(rows.text(0, column)); };
  KnownUpload upload;
  upload.key = text(at["key"]);
  upload.owner = text(at["owner"]);
  upload.target = text(at["target"]);
  upload.arguments = text(at["arguments"]);
  upload.content = text(at["content"]);
  upload.kept_bytes = static_cast<std::size_t>(rows.integer(0, at["kept_bytes"]));
  upload.has_mark = rows.boolean(0, at["has_mark"]);
  upload.told_offset = static_cast<std::uint64_t>(rows.integer(0, at["told_offset"]));
  upload.answer = text(at["answer"]);
  upload.is_new = rows.boolean(0, at["is_new"]);
  return upload;
}

std::optional<LoadOfUpload> read_load(const pg::Result& rows) {
  static constexpr auto& at = load_of_upload;
  if (rows.rows() == 0) return std::nullopt;
  return LoadOfUpload{.id = LoadId{rows.integer(0, at["load"])},
                      .is_running = rows.boolean(0, at["is_running"]),
                      .waits_in_stage = rows.boolean(0, at["waits_in_stage"]),
                      .stored_end = static_cast<std::uint64_t>(rows.integer(0, at["stored_end"]))};
}

asio::awaitable<KnownUpload> enter(pg::Connection& on, const NamedUpload& upload) {
  pg::Batch batch(
      sql("delete from pgsluice.uploads where touched_at < now() - interval '7 days'; "));
  const auto entered = batch.add(
      sql("insert into pgsluice.uploads (upload_key, owner, target, arguments, content) values "
          "({}, {}, {}, {}, {}) on conflict (upload_key) do update set touched_at = now() "
          "returning {}",
          literal(upload.key), literal(upload.owner), literal(upload.target),
          literal(upload.arguments), literal(upload.content), upload_columns.list()));
  const auto load = batch.add(load_query(upload.key));
  const auto results = co_await on.query(batch.text());
  KnownUpload known = read_upload(batch.answer(results, entered));
  known.load = read_load(batch.answer(results, load));
  co_return known;
}

asio::awaitable<void> make_ledger(pg::Connection& on) {
  const State state = co_await ask(on, Use::load);
  co_await ensure(on, state, Use::load);
}

}  // namespace

asio::awaitable<KnownUpload> enter_upload(pg::Connection& on, const NamedUpload& upload) {
  bool may_not = false;
  try {
    co_return co_await enter(on, upload);
  } catch (const pg::PgError& error) {
    may_not = error.state == sql_state::insufficient_privilege;
    if (!may_not && !(error.state == sql_state::undefined_table)) throw;
  }
  if (may_not) {
    std::vector<TableRights> rights{
        {"uploads", "select, insert, update, delete"}, {"loads", "select"}, {"chunks", "select"}};
    co_await require_grants(on, std::move(rights));
  } else {
    co_await make_ledger(on);
  }
  co_return co_await enter(on, upload);
}

asio::awaitable<std::optional<KnownUpload>> find_upload(pg::Connection& on,
                                                        const std::string& key) {
  const auto is_there = co_await on.query("select to_regclass('pgsluice.uploads') is not null");
  if (!is_there.back().boolean(0, 0)) co_return std::nullopt;
  // Whoever asks often writes seldom.
  pg::Batch batch(
      sql("update pgsluice.uploads set touched_at = now() where upload_key = {} and touched_at < "
          "now() - interval '1 hour'; ",
          literal(key)));
  const auto found = batch.add(sql("select {} from pgsluice.uploads where upload_key = {}",
                                   upload_columns.list(), literal(key)));
  const auto load = batch.add(load_query(key));
  const auto results = co_await on.query(batch.text());
  const pg::Result& rows = batch.answer(results, found);
  if (rows.rows() == 0) co_return std::nullopt;
  KnownUpload known = read_upload(rows);
  known.is_new = false;
  known.load = read_load(batch.answer(results, load));
  co_return known;
}

asio::awaitable<std::int64_t> count_open_uploads(pg::Connection& on, const std::string& owner) {
  const auto is_there = co_await on.query("select to_regclass('pgsluice.uploads') is not null");
  if (!is_there.back().boolean(0, 0)) co_return 0;
  const Sql ask = sql("select count(*) from pgsluice.uploads where owner = {} and answer is null",
                      literal(owner));
  const auto results = co_await on.query(ask);
  co_return results.back().integer(0, 0);
}

asio::awaitable<std::string> beginning_of_upload(pg::Connection& on, const std::string& key) {
  const Sql ask = sql(
      "select coalesce(encode(beginning, 'hex'), '') from pgsluice.uploads where upload_key = {}",
      literal(key));
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  co_return rows.rows() == 0 ? std::string() : bytes_of_hex(rows.text(0, 0));
}

asio::awaitable<void> keep_beginning(pg::Connection& on, const std::string& key,
                                     const std::string& bytes) {
  const Sql statement =
      sql("update pgsluice.uploads set beginning = decode({}, 'hex') where upload_key = {}",
          literal(hex_of(bytes)), literal(key));
  co_await on.query(statement);
}

asio::awaitable<void> note_told(pg::Connection& on, const std::string& key, std::uint64_t offset) {
  const Sql statement = sql(
      "update pgsluice.uploads set told_offset = greatest(told_offset, {}) where upload_key = {}",
      offset, literal(key));
  co_await on.query(statement);
}

asio::awaitable<void> note_answer(pg::Connection& on, const std::string& key,
                                  const std::string& answer) {
  const Sql statement =
      sql("update pgsluice.uploads set answer = {}, beginning = null, touched_at = now() where "
          "upload_key = {} and answer is null",
          literal(answer), literal(key));
  co_await on.query(statement);
}

asio::awaitable<void> forget_upload(pg::Connection& on, const std::string& key) {
  const Sql statement = sql("delete from pgsluice.uploads where upload_key = {}", literal(key));
  co_await on.query(statement);
}

Sql name_upload_statement(LoadId load, const NewLoad& now) {
  if (now.upload_key.empty()) return {};
  return sql(
      "update pgsluice.loads set upload_key = {} where load_id = {} and upload_key is null; ",
      literal(now.upload_key), load.value);
}

Sql unname_upload_statement(LoadId load) {
  return sql("update pgsluice.loads set upload_key = null where load_id = {}; ", load.value);
}

}  // namespace sluice::ledger
