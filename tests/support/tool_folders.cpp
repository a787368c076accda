#include "support/tool_folders.hpp"

namespace sluice::test {
namespace {

const std::string customers =
    "create table customers (\n  id serial primary key,\n  name text not null\n);\n";
const std::string orders =
    "create table orders (\n  id serial primary key,\n  customer int references customers,\n"
    "  placed_at timestamptz not null default now()\n);\n";
const std::string function =
    "create function orders_of(who int) returns bigint as $$\nbegin\n  perform 1;\n"
    "  return (select count(*) from orders where customer = who);\nend;\n$$ language plpgsql;\n";
const std::string index = "create index concurrently orders_placed on orders (placed_at);\n";

const std::string no_customers = "drop table customers;\n";
const std::string no_orders = "drop table orders;\n";
const std::string no_function = "drop function orders_of(int);\n";
const std::string no_index = "drop index concurrently orders_placed;\n";

ToolFolder of_pairs(const std::string& tool, const std::string& no_transaction, bool in_frame) {
  const std::string begin = in_frame ? "BEGIN;\n" : "";
  const std::string end = in_frame ? "COMMIT;\n" : "";
  return {tool,
          {{"000001_create_customers.up.sql", begin + customers + end},
           {"000001_create_customers.down.sql", begin + no_customers + end},
           {"000002_create_orders.up.sql", orders},
           {"000002_create_orders.down.sql", no_orders},
           {"000003_orders_of.up.sql", begin + function + end},
           {"000003_orders_of.down.sql", no_function},
           {"000004_index.up.sql", no_transaction + index},
           {"000004_index.down.sql", no_transaction + no_index}},
          {"1", "2", "3", "4"}};
}

ToolFolder of_times(const std::string& tool, const std::string& separator,
                    const std::vector<std::string>& texts) {
  ToolFolder folder{tool, {}, {}};
  const std::vector<std::string> names{"create_customers", "create_orders", "orders_of", "index"};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string version = "2026010112000" + std::to_string(i);
    folder.versions.push_back(version);
    folder.files.emplace_back(version + separator + names[i] + ".sql", texts[i]);
  }
  return folder;
}

std::vector<ToolFolder> make_tool_folders() {
  const std::string block = "-- +goose StatementBegin\n";
  const std::string block_end = "-- +goose StatementEnd\n";
  const std::string of_migrate = "-- +migrate StatementBegin\n";
  const std::string end_of_migrate = "-- +migrate StatementEnd\n";
  return {
      {"flyway",
       {{"V1__create_customers.sql", customers},
        {"V1.1__create_orders.sql", orders},
        {"V1.2__orders_of.sql", function},
        {"V1.10__index.sql", "-- pgsluice: no-transaction\n" + index},
        {"U1__create_customers.sql", no_customers},
        {"U1.1__create_orders.sql", no_orders},
        {"U1.2__orders_of.sql", no_function},
        {"U1.10__index.sql", "-- pgsluice: no-transaction\n" + no_index}},
       {"1", "1.1", "1.2", "1.10"}},
      of_pairs("golang-migrate", "-- pgsluice: no-transaction\n", true),
      of_pairs("sqlx", "-- no-transaction\n", false),
      of_times(
          "goose", "_",
          {"-- +goose Up\n" + customers + "\n-- +goose Down\n" + no_customers,
           "-- +goose up\n" + block + "SELECT 'up SQL query';\n" + block_end + orders +
               "\n-- +goose down\n" + no_orders,
           "-- +goose Up\n" + block + function + block_end + "\n-- +goose Down\n" + block +
               no_function + block_end,
           "-- +goose NO TRANSACTION\n-- +goose Up\n" + index + "\n-- +goose Down\n" + no_index}),
      of_times("dbmate", "_",
               {"-- migrate:up\n" + customers + "\n-- migrate:down\n" + no_customers,
                "-- migrate:up\n" + orders + "\n-- migrate:down\n" + no_orders,
                "-- migrate:up\n" + function + "\n-- migrate:down\n" + no_function,
                "-- migrate:up transaction:false\n" + index +
                    "\n-- migrate:down transaction:false\n" + no_index}),
      of_times("sql-migrate", "-",
               {"-- +migrate Up\n-- what goes forth\n" + customers + "\n-- +migrate Down\n" +
                    no_customers,
                "-- +migrate Up\n" + orders + "\n-- +migrate Down\n" + no_orders,
                "-- +migrate Up\n" + of_migrate + function + end_of_migrate +
                    "\n-- +migrate Down\n" + no_function,
                "-- +migrate Up notransaction\n" + index + "\n-- +migrate Down notransaction\n" +
                    no_index}),
      of_times("node-pg-migrate", "_",
               {"-- Up Migration\n" + customers + "\n-- Down Migration\n" + no_customers,
                "-- Up Migration\n" + orders + "\n-- Down Migration\n" + no_orders,
                "-- Up Migration\n" + function + "\n-- Down Migration\n" + no_function,
                "-- pgsluice: no-transaction\n-- Up Migration\n" + index + "\n-- Down Migration\n" +
                    no_index}),
  };
}

}  // namespace

const std::vector<ToolFolder>& tool_folders() {
  static const std::vector<ToolFolder> all = make_tool_folders();
  return all;
}

const ToolFolder& plain_folder() {
  static const ToolFolder plain{"plain",
                                {{"001_create_customers.sql", customers},
                                 {"002_create_orders.sql", orders},
                                 {"003_orders_of.sql", function},
                                 {"004_index.sql", "-- pgsluice: no-transaction\n" + index}},
                                {"1", "2", "3", "4"}};
  return plain;
}

}  // namespace sluice::test
