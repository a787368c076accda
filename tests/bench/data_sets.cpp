#include "bench/data_sets.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace sluice::bench {
namespace {

constexpr std::array<std::string_view, 16> words{
    "carefully", "final",  "deposits", "sleep", "furiously", "quick", "ironic",   "pending",
    "requests",  "haggle", "blithely", "even",  "accounts",  "among", "packages", "the"};

std::string_view word(Random& random) { return words[random.next() % words.size()]; }

template <std::size_t Count>
std::string_view one_of(Random& random, const std::array<std::string_view, Count>& choices) {
  return choices[random.next() % Count];
}

/// Cents as "12.34".
void money(std::string& out, std::int64_t cents) {
  fmt::format_to(std::back_inserter(out), "{}.{:02}", cents / 100, cents % 100);
}

struct Moment {
  int year;
  int month;
  int day;
  int hour;
  int minute;
  int second;
};

/// Seconds after 2024-01-01 00:00:00, with months of 28 days: dates that exist, in order.
Moment moment(std::uint64_t seconds) {
  const auto part = [&seconds](std::uint64_t unit) {
    const auto value = static_cast<int>(seconds % unit);
    seconds /= unit;
    return value;
  };
  Moment m{};
  m.second = part(60);
  m.minute = part(60);
  m.hour = part(24);
  m.day = 1 + part(28);
  m.month = 1 + part(12);
  m.year = 2024 + static_cast<int>(seconds);
  return m;
}

void stamp(std::string& out, std::uint64_t seconds) {
  const Moment m = moment(seconds);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02} {:02}:{:02}:{:02}", m.year, m.month,
                 m.day, m.hour, m.minute, m.second);
}

void narrow(std::string& out, std::uint64_t row, Random& random) {
  stamp(out, row);
  fmt::format_to(std::back_inserter(out), "+00,{},{}.{:06},{}.{:06},{}.{:06},-{}.{:06}\n",
                 random.between(1, 100'000), random.between(0, 99), random.between(0, 999'999),
                 random.between(0, 999), random.between(0, 999'999), random.between(0, 9),
                 random.between(0, 999'999), random.between(0, 9), random.between(0, 999'999));
}

void lineitem(std::string& out, std::uint64_t row, Random& random) {
  static constexpr std::array<std::string_view, 4> instructions{"DELIVER IN PERSON", "COLLECT COD",
                                                                "NONE", "TAKE BACK RETURN"};
  static constexpr std::array<std::string_view, 7> modes{"TRUCK", "MAIL", "SHIP",   "AIR",
                                                         "RAIL",  "FOB",  "REG AIR"};
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "{},{},{},{},{}.00,", row / 4 + 1, random.between(1, 200'000),
                 random.between(1, 10'000), row % 4 + 1, random.between(1, 50));
  money(out, random.between(90'000, 10'000'000));
  fmt::format_to(to, ",0.0{},0.0{},{},{}", random.between(0, 9), random.between(0, 8),
                 "ANR"[random.next() % 3], "OF"[random.next() % 2]);
  for (int date = 0; date < 3; ++date) {
    fmt::format_to(to, ",{}-{:02}-{:02}", random.between(1992, 1998), random.between(1, 12),
                   random.between(1, 28));
  }
  fmt::format_to(to, ",{},{},{} {} {}\n", one_of(random, instructions), one_of(random, modes),
                 word(random), word(random), word(random));
}

/// A quoted text; now and then a comma, a doubled quote or a newline stands between its words.
void sentence(std::string& out, Random& random, int count) {
  static constexpr std::array<std::string_view, 12> between{" ", " ", " ", " ",  " ",     " ",
                                                            " ", " ", " ", ", ", " \"\"", "\n"};
  out += '"';
  for (int i = 0; i < count; ++i) {
    if (i > 0) {
      const std::string_view gap = one_of(random, between);
      out += gap;
      out += word(random);
      if (gap == " \"\"") out += "\"\"";
      continue;
    }
    out += word(random);
  }
  out += '"';
}

void quoted(std::string& out, std::uint64_t row, Random& random) {
  out += std::to_string(row + 1);
  out += ',';
  sentence(out, random, 4);
  out += ',';
  sentence(out, random, 22);
  out += '\n';
}

void taxi(std::string& out, std::uint64_t row, Random& random) {
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "{},", random.between(1, 2));
  stamp(out, row);
  out += ',';
  stamp(out, row + static_cast<std::uint64_t>(random.between(120, 3000)));
  const bool anonymous = random.next() % 20 == 0;  // such trips lack what the driver types
  if (anonymous) {
    out += ",,";
  } else {
    fmt::format_to(to, ",{},", random.between(1, 6));
  }
  money(out, random.between(30, 2500));
  fmt::format_to(to, "{},{},{},{},",
                 anonymous                  ? ",,"
                 : random.next() % 100 == 0 ? ",2,Y"
                                            : ",1,N",
                 random.between(1, 265), random.between(1, 265), random.between(1, 4));
  const std::array<std::int64_t, 7> amounts{
      random.between(300, 7000), random.between(0, 5) * 50,         50,
      random.between(0, 1500),   random.next() % 20 == 0 ? 694 : 0, 100,
      random.between(500, 9000)};
  for (const std::int64_t cents : amounts) {
    money(out, cents);
    out += ',';
  }
  out += anonymous ? ",\n" : random.next() % 10 == 0 ? "2.50,1.75\n" : "2.50,0.00\n";
}

}  // namespace

std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::int64_t Random::between(std::int64_t least, std::int64_t most) {
  return least + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(most - least + 1));
}

const std::vector<DataSet>& data_sets() {
  static const std::vector<DataSet> sets{
      {"narrow",
       "ts timestamptz, id int, a float8, b float8, c float8, d float8",
       "ts",
       {"id", "a"},
       "ts,id,a,b,c,d",
       narrow},
      {"lineitem",
       "l_orderkey bigint, l_partkey int, l_suppkey int, l_linenumber int, l_quantity "
       "numeric(15,2), l_extendedprice numeric(15,2), l_discount numeric(15,2), l_tax "
       "numeric(15,2), l_returnflag char(1), l_linestatus char(1), l_shipdate date, l_commitdate "
       "date, l_receiptdate date, l_shipinstruct char(25), l_shipmode char(10), l_comment "
       "varchar(44)",
       "l_orderkey, l_linenumber",
       {"l_partkey", "l_shipdate"},
       "l_orderkey,l_partkey,l_suppkey,l_linenumber,l_quantity,l_extendedprice,l_discount,l_tax,"
       "l_returnflag,l_linestatus,l_shipdate,l_commitdate,l_receiptdate,l_shipinstruct,l_shipmode,"
       "l_comment",
       lineitem},
      {"quoted",
       "id bigint, title text, body text",
       "id",
       {"title", "md5(body)"},
       "id,title,body",
       quoted},
      {"taxi",
       "vendor_id int, pickup_at timestamp, dropoff_at timestamp, passengers int, distance "
       "numeric(8,2), rate_code int, store_and_forward char(1), pickup_zone int, dropoff_zone int, "
       "payment_type int, fare numeric(10,2), extra numeric(10,2), mta_tax numeric(10,2), tip "
       "numeric(10,2), tolls numeric(10,2), improvement numeric(10,2), total numeric(10,2), "
       "congestion numeric(10,2), airport numeric(10,2)",
       "pickup_at",
       {"pickup_zone", "total"},
       "vendor_id,pickup_at,dropoff_at,passengers,distance,rate_code,store_and_forward,pickup_zone,"
       "dropoff_zone,payment_type,fare,extra,mta_tax,tip,tolls,improvement,total,congestion,"
       "airport",
       taxi},
  };
  return sets;
}

const DataSet& data_set(const std::string& name) {
  for (const DataSet& set : data_sets()) {
    if (set.name == name) return set;
  }
  throw std::invalid_argument("there is no data set " + name);
}

std::string csv_of(const DataSet& set, std::uint64_t rows) {
  std::string csv = set.header + "\n";
  Random random;
  for (std::uint64_t row = 0; row < rows; ++row) set.write(csv, row, random);
  return csv;
}

}  // namespace sluice::bench
