#include "ledger/alike.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "base/limits.hpp"
#include "ledger/places.hpp"

namespace sluice::ledger {
namespace {

/// As an array in text form.
Sql numbers_of(const std::vector<std::uint64_t>& numbers) {
  return sql("{}::bigint[]", literal(fmt::format("{{{}}}", fmt::join(numbers, ","))));
}

std::string list_of(const std::vector<std::string_view>& digests) {
  std::string list;
  for (const std::string_view digest : digests) {
    if (!list.empty()) list += ',';
    list += digest;
  }
  return list;
}

/// A kind of likeness: what of a load is one of these values.
struct Kind {
  Sql what;
  Sql values;
  /// Of the values of an expression that a partial index is of, the planner knows nothing, and
  /// would rather compute it for all loads of the table.
  bool is_expression = false;

  Sql may_be_of_table(const NewLoad& like) const {
    return is_expression ? ledger::may_be_of_table(like, "l.target_oid::bigint", "l.target || ''")
                         : ledger::may_be_of_table(like);
  }
};

std::vector<Kind> kinds_of(const std::vector<const NewLoad*>& likes) {
  std::vector<std::string> fingerprints;
  std::vector<std::string> heads;
  std::vector<std::string> short_heads;
  std::vector<Sql> paths;
  std::vector<Sql> files;
  for (const NewLoad* like : likes) {
    fingerprints.insert(fingerprints.end(), {like->fingerprint, like->marked.fingerprint});
    heads.insert(heads.end(), {like->head, like->marked.head});
    std::ranges::copy(like->short_heads, std::back_inserter(short_heads));
    std::ranges::copy(like->marked.short_heads, std::back_inserter(short_heads));
    // A stream has a name, and no path.
    if (like->is_file()) paths.push_back(sql("{}", literal(like->source_path)));
    const std::string file = file_of(like->source_stamp);
    if (!file.empty()) files.push_back(sql("{}", literal(file)));
  }
  std::vector<Kind> kinds{{sql("l.fingerprint"), digests_of(fingerprints)},
                          {sql("l.head"), digests_of(heads)}};
  if (!paths.empty())
    kinds.push_back({sql("l.source_path"), sql("array[{}]", joined(paths, ", "))});
  if (!files.empty()) {
    kinds.push_back({sql("substring(l.source_stamp from '^\\S+ \\S+ ')"),
                     sql("array[{}]", joined(files, ", ")), true});
  }
  if (!short_heads.empty()) kinds.push_back({sql("l.head"), digests_of(short_heads)});
  return kinds;
}

/// Lengths from `shortest` to `behind`, without it.
struct LengthRanges {
  std::vector<std::uint64_t> shortest;
  std::vector<std::uint64_t> behind;
};

/// Whether a short content of one of these lengths is in the ledger, as n (from_, to_): the
/// shortest one that is no shorter is asked for, as a range would be thought to be found at once,
/// also where nothing is in it.
constexpr SqlWords is_a_length =
    "(select l.head_bytes from pgsluice.loads l where l.head_bytes >= n.from_ and l.state <> "
    "'void' and l.start is not null order by l.head_bytes limit 1) < n.to_";

Sql as_n(const LengthRanges& ranges) {
  return sql("unnest({}, {}) n (from_, to_)", numbers_of(ranges.shortest),
             numbers_of(ranges.behind));
}

/// Whether there is a load of a content that one of these begins with. By a step into the index for
/// each: the planner thinks a hundred at once dearer than thousands of loads one by one. Of many
/// contents nearly all starts are of a length that no load has: that none has is asked then.
Sql has_beginning_of(const std::vector<const NewLoad*>& likes, const Lengths* lengths) {
  std::vector<std::string_view> digests;
  std::map<std::uint64_t, std::uint64_t> others;  // from the shortest to what is behind
  for (const NewLoad* like : likes) {
    for (const ContentStart& start : like->starts) {
      if (lengths == nullptr || lengths->contains(start.shortest))
        digests.push_back(start.digest());
      else
        others.emplace(start.shortest, start.behind);
    }
  }
  // Files of one header have many in common.
  std::ranges::sort(digests);
  const auto same = std::ranges::unique(digests);
  digests.erase(same.begin(), same.end());
  Sql condition =
      sql("exists (select from unnest({}) s (start) where (select true from pgsluice.loads l where "
          "l.start = s.start and (l.records_read > 0 or l.state <> 'finished') and {} limit 1))",
          digests_of(digests), may_be_of_table(*likes.front()));
  if (others.empty()) return condition;
  LengthRanges ranges;
  for (const auto& [shortest, behind] : others) {
    if (!ranges.behind.empty() && ranges.behind.back() == shortest) {
      ranges.behind.back() = behind;
    } else {
      ranges.shortest.push_back(shortest);
      ranges.behind.push_back(behind);
    }
  }
  condition += sql(" or exists (select from {} where {})", as_n(ranges), is_a_length);
  return condition;
}

}  // namespace

std::string file_of(const std::string& stamp) {
  const std::size_t host = stamp.find(' ');
  const std::size_t end = host == std::string::npos ? host : stamp.find(' ', host + 1);
  return end == std::string::npos ? std::string() : stamp.substr(0, end + 1);
}

Sql may_be_of_table(const NewLoad& like, SqlWords target_oid, SqlWords target) {
  // Such a load gives up what is unfinished, and has nothing to ask of the others.
  const SqlWords state = like.again ? SqlWords("l.state = 'unfinished' and l.state <> 'void'")
                                    : SqlWords("l.state <> 'void'");
  return sql("{} and (({} = {} and {}) or {} = {})", state, target_oid, like.target_oid,
             is_here(as_l, like.origin), target, literal(like.target));
}

Sql digests_of(const std::vector<std::string_view>& digests) {
  return sql("{}::text[]", literal("{" + list_of(digests) + "}"));
}

Sql digests_of(const std::vector<std::string>& digests) {
  return digests_of(std::vector<std::string_view>(digests.begin(), digests.end()));
}

std::vector<Sql> are_like(const NewLoad& like) {
  std::vector<Sql> conditions;
  for (const Kind& kind : kinds_of({&like}))
    conditions.push_back(
        sql("{} = any ({}) and {}", kind.what, kind.values, kind.may_be_of_table(like)));
  return conditions;
}

/// Also of many values a step into an index for each: the planner does not know how rare those of
/// an expression are, and would rather read all loads until it meets one of many.
Sql has_alike(const std::vector<const NewLoad*>& likes, const Lengths* lengths) {
  std::vector<Sql> any;
  for (const Kind& kind : kinds_of(likes)) {
    any.push_back(sql(
        "exists (select from unnest({}) k (v) where (select true from pgsluice.loads l where {} "
        "= k.v and {} limit 1))",
        kind.values, kind.what, kind.may_be_of_table(*likes.front())));
  }
  any.push_back(has_beginning_of(likes, lengths));
  return sql("({})", joined(any, " or "));
}

void add_own_lengths(const std::vector<const NewLoad*>& loads, Lengths& lengths) {
  for (const NewLoad* load : loads) {
    for (const ContentStart& start : load->starts)
      if (start.shortest <= load->head_bytes && load->head_bytes < start.behind)
        lengths.insert(start.shortest);
  }
}

asio::awaitable<void> find_lengths(pg::Connection& on, const std::vector<const NewLoad*>& likes,
                                   Lengths& lengths) {
  std::map<std::uint64_t, std::uint64_t> all;
  for (const NewLoad* like : likes)
    for (const ContentStart& start : like->starts) all.emplace(start.shortest, start.behind);
  LengthRanges ranges;
  for (const auto& [shortest, behind] : all) {
    ranges.shortest.push_back(shortest);
    ranges.behind.push_back(behind);
  }
  const Sql ask = sql("select n.from_ from {} where {}", as_n(ranges), is_a_length);
  const auto answers = co_await on.query(ask);
  const pg::Result& found = answers.back();
  for (std::size_t i = 0; i < found.rows(); ++i)
    lengths.insert(static_cast<std::uint64_t>(found.integer(i, 0)));
}

/// A step into the index for each, however many have it.
Sql short_lengths_query(const NewLoad& like) {
  // With a mark in front of it, a content that is no shorter may be a beginning of this one.
  static constexpr std::uint64_t mark_bytes = 3;
  const std::uint64_t longest =
      std::min<std::uint64_t>(like.head_bytes + mark_bytes, limits::fingerprint_bytes);
  const auto next = [&](SqlWords start, SqlWords behind) {
    return sql(
        "(select l.head_bytes from pgsluice.loads l where l.start = {} and l.head_bytes > {} and "
        "l.head_bytes < {} and {} order by l.head_bytes limit 1)",
        start, behind, longest, may_be_of_table(like));
  };
  std::vector<std::string_view> digests;
  for (const ContentStart& start : like.starts) digests.push_back(start.digest());
  return sql(
      "(with recursive lengths (start, n) as (select s, {} from unnest({}) s union all select "
      "start, {} from lengths where n is not null) select string_agg(n::text, ' ') from lengths "
      "where n is not null)",
      next("s", "0"), digests_of(digests), next("lengths.start", "lengths.n"));
}

}  // namespace sluice::ledger
