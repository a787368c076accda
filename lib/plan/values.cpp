#include "plan/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/failure.hpp"
#include "pg/encoding.hpp"
#include "plan/meaning.hpp"

namespace sluice::plan {
namespace {

std::vector<tuple::RuledColumn> ruled_columns(const Plan& plan) {
  std::vector<tuple::RuledColumn> columns;
  for (const auto& target : plan.mapping.targets) {
    if (!target) {
      columns.push_back({.ignored = true, .name = {}, .type = {}});
      continue;
    }
    const tuple::Column& column = plan.fed_table().columns[*target];
    columns.push_back({.ignored = false, .name = column.name, .type = column.base_type});
  }
  return columns;
}

/// 2024-01-02 03:04:05.678901+00
std::string now_in_utc() {
  using std::chrono::microseconds;
  const auto now = std::chrono::floor<microseconds>(std::chrono::system_clock::now());
  const auto midnight = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(now - midnight);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

bool names_words(const script::UserSql& user_sql) {
  for (std::size_t i = 0; i < user_sql.tokens().size(); ++i) {
    const auto word = user_sql.colon_word(i);
    if (word == "file" || word == "path" || word == "now") return true;
  }
  return false;
}

/// They stand beside bytes that nobody converts.
void require_ascii_names(const Plan& plan, const tuple::LoadWords& words) {
  if (plan.target.data_encoding == pg::utf8) return;
  for (const std::string& name : {words.file, words.path}) {
    if (std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) < 128; }))
      continue;
    throw Failure(
        FailureKind::usage,
        "--add, --select: the source's name must be ASCII where the file is read as the database's "
        "encoding, " +
            plan.target.data_encoding + ", has it");
  }
}

}  // namespace

tuple::ValueRules value_rules(const Plan& plan, const csv::Dialect& dialect) {
  const std::vector<tuple::RuledColumn> columns = ruled_columns(plan);
  const auto monetary = plan.target.reading.find("lc_monetary");
  tuple::ValueRules rules = tuple::plan_value_rules(
      plan.options.values, columns, dialect,
      monetary == plan.target.reading.end() ? std::string_view() : monetary->second);
  rules.added = tuple::plan_added_values(plan.options.values.added, plan.target.table, columns);
  return rules;
}

void fill_in_words(Plan& plan) {
  if (asks_for_load(plan) && !plan.options.use_ledger && !plan.options.check) {
    throw Failure(FailureKind::usage,
                  "--add COLUMN=:load is the load's number in the ledger: leave out --no-ledger");
  }
  // A check has no number, and is to judge a value of that kind.
  if (plan.options.check) fill_in_load(plan, LoadId{1});
  const tuple::LoadWords words{
      .file = plan.source->name(), .path = plan.source->identity(), .now = now_in_utc()};
  plan.words = words;
  tuple::fill_in(plan.encoder.rules.added, words);
  if (has_words(plan)) require_ascii_names(plan, words);
}

void fill_in_load(Plan& plan, LoadId load) { tuple::fill_in(plan.encoder.rules.added, load); }

bool has_words(const Plan& plan) {
  const bool are_added =
      std::ranges::any_of(plan.encoder.rules.added, [](const tuple::AddedValue& added) {
        return added.wish == ":file" || added.wish == ":path" || added.wish == ":now";
      });
  if (are_added) return true;
  if (!plan.selecting) return names_words(plan.condition);
  return names_words(plan.selecting->list()) || names_words(plan.selecting->condition());
}

bool asks_for_load(const Plan& plan) {
  return std::ranges::find(plan.encoder.rules.added, tuple::load_word, &tuple::AddedValue::wish) !=
         plan.encoder.rules.added.end();
}

void take_over_words(Plan& plan, const std::string& options) {
  const auto words = words_of(options);
  if (!words) return;
  plan.words = *words;
  tuple::fill_in(plan.encoder.rules.added, *words);
}

}  // namespace sluice::plan
