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
                     sql("array[{}]", joined(files, ", "))});
  }
  if (!short_heads.empty()) kinds.push_back({sql("l.head"), digests_of(short_heads)});
  return kinds;
}

/// Whether there is a load of a content that one of these begins with. By a step into the index for
/// each: the planner thinks a hundred at once dearer than thousands of loads one by one. Of many
/// contents the lengths go first: nearly all of their starts are of a length that no load has.
Sql has_beginning_of(const std::vector<const NewLoad*>& likes) {
  struct Length {
    std::uint64_t behind = 0;
    std::vector<std::string_view> digests;
  };
  std::map<std::uint64_t, Length> lengths;  // by the shortest one
  for (const NewLoad* like : likes) {
    for (const ContentStart& start : like->starts) {
      Length& length = lengths[start.shortest];
      length.behind = start.behind;
      length.digests.push_back(start.digest());
    }
  }
  std::vector<std::uint64_t> shortest;
  std::vector<std::uint64_t> behind;
  std::vector<std::string> lists;
  for (auto& [from, length] : lengths) {
    // Files of one header have many in common.
    std::ranges::sort(length.digests);
    const auto same = std::ranges::unique(length.digests);
    length.digests.erase(same.begin(), same.end());
    shortest.push_back(from);
    behind.push_back(length.behind);
    lists.push_back(list_of(length.digests));
  }
  const Sql has_start =
      sql("(select true from pgsluice.loads l where l.start = s.start and (l.records_read > 0 or "
          "l.state <> 'finished') and {} limit 1)",
          may_be_of_table(*likes.front()));
  if (likes.size() == 1) {
    return sql("exists (select from unnest({}::text[]) s (start) where {})",
               literal(fmt::format("{{{}}}", fmt::join(lists, ","))), has_start);
  }
  // The shortest content that is no shorter: a range would be thought to be found at once, also
  // where nothing is in it. What no load has the length of is not even taken apart.
  return sql(
      "exists (select from unnest({}, {}, {}::text[]) n (from_, to_, starts) where case when "
      "(select l.head_bytes from pgsluice.loads l where l.head_bytes >= n.from_ and l.state <> "
      "'void' and l.start is not null order by l.head_bytes limit 1) < n.to_ then exists (select "
      "from unnest(string_to_array(n.starts, ',')) s (start) where {}) else false end)",
      numbers_of(shortest), numbers_of(behind),
      literal(fmt::format("{{\"{}\"}}", fmt::join(lists, "\",\""))), has_start);
}

}  // namespace

std::string file_of(const std::string& stamp) {
  const std::size_t host = stamp.find(' ');
  const std::size_t end = host == std::string::npos ? host : stamp.find(' ', host + 1);
  return end == std::string::npos ? std::string() : stamp.substr(0, end + 1);
}

Sql may_be_of_table(const NewLoad& like) {
  // Such a load gives up what is unfinished, and has nothing to ask of the others.
  const SqlWords state = like.again ? SqlWords("l.state = 'unfinished' and l.state <> 'void'")
                                    : SqlWords("l.state <> 'void'");
  return sql("{} and ((l.target_oid = {} and {}) or l.target = {})", state, like.target_oid,
             is_here(as_l, like.origin), literal(like.target));
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
        sql("{} = any ({}) and {}", kind.what, kind.values, may_be_of_table(like)));
  return conditions;
}

/// Also of many values a step into an index for each: the planner does not know how rare those of
/// an expression are, and would rather read all loads until it meets one of many.
Sql has_alike(const std::vector<const NewLoad*>& likes) {
  std::vector<Sql> any;
  for (const Kind& kind : kinds_of(likes)) {
    any.push_back(sql(
        "exists (select from unnest({}) k (v) where (select true from pgsluice.loads l where {} "
        "= k.v and {} limit 1))",
        kind.values, kind.what, may_be_of_table(*likes.front())));
  }
  any.push_back(has_beginning_of(likes));
  return sql("({})", joined(any, " or "));
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
