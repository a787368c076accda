#include "load/bottleneck.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace sluice::load {
namespace {

using Limit = Bottleneck::Limit;

/// Seen less often, it may be chance.
constexpr std::uint64_t seen_min = 6;

std::uint64_t count(const Seen& seen, Waiting waiting) {
  return seen[static_cast<std::size_t>(waiting)];
}

std::uint64_t sum_of(const Seen& seen) {
  return std::accumulate(seen.begin(), seen.end(), std::uint64_t{0});
}

Limit limit_of(Waiting waiting) {
  switch (waiting) {
    case Waiting::cpu: return Limit::server_cpu;
    case Waiting::wal: return Limit::wal;
    case Waiting::storage: return Limit::storage;
    case Waiting::extension: return Limit::extension;
    case Waiting::locks: return Limit::locks;
    case Waiting::replica: return Limit::replica;
    case Waiting::client:
    case Waiting::other: break;
  }
  return Limit::server;
}

/// What the server's sessions were at most, but for waiting for the client.
Waiting most_seen(const Seen& seen) {
  const auto behind_client = seen.begin() + 1;
  static_assert(static_cast<std::size_t>(Waiting::client) == 0);
  return static_cast<Waiting>(std::max_element(behind_client, seen.end()) - seen.begin());
}

std::string percent(double share) { return fmt::format("{:.0f} %", share * 100); }

std::string_view words_of(Waiting waiting) {
  switch (waiting) {
    case Waiting::cpu: return "CPU";
    case Waiting::wal: return "log (WAL)";
    case Waiting::storage: return "storage";
    case Waiting::extension: return "making the table longer";
    case Waiting::locks: return "locks of others";
    case Waiting::replica: return "the synchronous replica";
    case Waiting::client:
    case Waiting::other: break;
  }
  return "other waits";
}

/// What its sessions were at, most of it first; what is less than a tenth is left out.
std::string shares_of_server(const Seen& seen) {
  const auto all = static_cast<double>(sum_of(seen));
  std::vector<std::pair<std::uint64_t, Waiting>> sorted;
  for (std::size_t i = 1; i < waitings; ++i)
    if (static_cast<double>(seen[i]) >= all / 10)
      sorted.emplace_back(seen[i], static_cast<Waiting>(i));
  std::ranges::stable_sort(sorted, std::greater(), &std::pair<std::uint64_t, Waiting>::first);
  std::string text;
  for (const auto& [count, waiting] : sorted)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", words_of(waiting),
                        percent(static_cast<double>(count) / all));
  return text;
}

}  // namespace

Waiting waiting_of(std::string_view state, std::string_view type, std::string_view event) {
  if (state != "active" || type == "Client") return Waiting::client;
  if (type.empty()) return Waiting::cpu;
  if (type == "IPC" && event == "SyncRep") return Waiting::replica;
  if (event.starts_with("WAL") || event.starts_with("Wal")) return Waiting::wal;
  if (type == "Lock") return event == "extend" ? Waiting::extension : Waiting::locks;
  if (type == "IO") return Waiting::storage;
  // Of the server's own short locks: what is spun or queued for is its work.
  if (type == "LWLock" || type == "BufferPin" || type == "BufferMapping") return Waiting::cpu;
  return Waiting::other;
}

std::optional<Bottleneck> bottleneck_of(const Seen& seen, const OwnTime& own) {
  const std::uint64_t all = sum_of(seen);
  if (all < seen_min || own.seconds <= 0) return std::nullopt;
  Bottleneck found;
  found.seen = seen;
  found.reading = std::min(1.0, own.reading / own.seconds);
  found.encoding = std::min(1.0, own.encoding / own.seconds / static_cast<double>(own.encoders));
  const auto share_of = [&](Waiting waiting) {
    return static_cast<double>(count(seen, waiting)) / static_cast<double>(all);
  };
  for (const auto& [seconds, limit] :
       {std::pair(own.held, Limit::rate), std::pair(own.replica, Limit::lag)}) {
    if (seconds / own.seconds < 0.5) continue;
    found.limit = limit;
    found.share = std::min(1.0, seconds / own.seconds);
    return found;
  }
  if (share_of(Waiting::client) < 0.5) {
    const Waiting waiting = most_seen(seen);
    found.limit = limit_of(waiting);
    found.share = share_of(waiting);
    return found;
  }
  // The server waits for rows: for a thread that has no time left, or else for the way to it.
  const bool reads = found.reading >= found.encoding;
  const double busiest = reads ? found.reading : found.encoding;
  found.limit = busiest < 0.5 ? Limit::network : reads ? Limit::source : Limit::encoding;
  found.share = busiest < 0.5 ? share_of(Waiting::client) : busiest;
  return found;
}

std::string text_of(const Bottleneck& bottleneck) {
  const std::string share = percent(bottleneck.share);
  const std::string client =
      "; the client was busy " + percent(std::max(bottleneck.reading, bottleneck.encoding));
  switch (bottleneck.limit) {
    case Limit::rate: return "limited by --max-rate, " + share + " of the time";
    case Limit::lag:
      return "limited by replicas that are behind (--max-lag), " + share + " of the time";
    case Limit::source:
      return "limited by reading the source, " + share + " of the time; encoding was busy " +
             percent(bottleneck.encoding);
    case Limit::encoding:
      return "limited by encoding, " + share + " of the time on all cores of the client";
    case Limit::network:
      return "limited by the way to the server, which waited for rows " + share + " of the time" +
             client;
    default: return "limited by the server: " + shares_of_server(bottleneck.seen) + client;
  }
}

std::string remedy_of(Bottleneck::Limit limit) {
  switch (limit) {
    case Limit::rate: return "a higher --max-rate would help";
    case Limit::lag: return "a replica that applies faster, or a larger --max-lag, would help";
    case Limit::source:
      return "a faster disk, or a packing that unpacks faster (zstd, lz4), would help";
    case Limit::encoding: return "a client with more cores would help";
    case Limit::network:
      return "more connections (--jobs), or a client nearer to the server, would help";
    case Limit::server_cpu:
      return "fewer indexes, triggers and constraints while loading (--defer-indexes) would help; "
             "more connections (--jobs) where the server has idle cores";
    case Limit::wal:
      return "pg_wal on a faster disk, wal_compression, a larger max_wal_size, or "
             "--set synchronous_commit=off would help";
    case Limit::storage: return "more shared_buffers, or a faster disk for the table, would help";
    case Limit::extension:
      return "PostgreSQL 16 or later, which makes tables longer in larger steps, or fewer "
             "connections (--jobs), would help";
    case Limit::locks: return "pg_catalog.pg_locks says who has them";
    case Limit::replica: return "--set synchronous_commit=local would not wait for it";
    case Limit::server: break;
  }
  return "pg_catalog.pg_stat_activity says what its sessions wait for";
}

}  // namespace sluice::load
