#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/names.hpp"

/// What a load waits for most, found out by looking at its sessions and its own threads now and
/// then. Pure.
namespace sluice::load {

/// What a session of the load is at, or waits for.
enum class Waiting {
  client,     ///< the next bytes or the next statement of the load
  cpu,        ///< nothing: it works
  wal,        ///< the log to be written
  storage,    ///< pages to be read or written
  extension,  ///< its turn to make the table longer
  locks,      ///< others
  replica,    ///< a synchronous one to have what was committed
  other,
};
inline constexpr std::size_t waitings = 8;

/// By pg_stat_activity's state, wait_event_type and wait_event, whose names differ by version.
/// https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-TABLE
Waiting waiting_of(std::string_view state, std::string_view type, std::string_view event);

/// How often sessions were seen so.
using Seen = std::array<std::uint64_t, waitings>;

/// The load's own part meanwhile.
struct OwnTime {
  double seconds = 0;
  double reading = 0;   ///< seconds of the thread that reads and unpacks
  double encoding = 0;  ///< of all encoding threads together
  std::size_t encoders = 1;
  double held = 0;     ///< seconds in which nothing was read, to keep to a rate
  double replica = 0;  ///< ... or stored, as a replica was too far behind
};

struct Bottleneck {
  enum class Limit {
    rate,  ///< that the user has set
    lag,   ///< ... of replicas
    source,
    encoding,
    network,
    server_cpu,
    wal,
    storage,
    extension,
    locks,
    replica,
    server
  };

  Limit limit = Limit::server;
  double share = 0;    ///< of the time: how often the sessions, or how long the threads, were at it
  double reading = 0;  ///< how busy the reading thread was
  double encoding = 0;  ///< ... and each encoding thread
  Seen seen{};
};

constexpr auto names_of(Bottleneck::Limit) {
  using Limit = Bottleneck::Limit;
  return std::array{Named{Limit::rate, "max-rate"},
                    Named{Limit::lag, "max-lag"},
                    Named{Limit::source, "source"},
                    Named{Limit::encoding, "encoding"},
                    Named{Limit::network, "network"},
                    Named{Limit::server_cpu, "server-cpu"},
                    Named{Limit::wal, "wal"},
                    Named{Limit::storage, "storage"},
                    Named{Limit::extension, "extension"},
                    Named{Limit::locks, "locks"},
                    Named{Limit::replica, "replica"},
                    Named{Limit::server, "server"}};
}

constexpr auto names_of(Waiting) {
  return std::array{Named{Waiting::client, "client"},
                    Named{Waiting::cpu, "cpu"},
                    Named{Waiting::wal, "wal"},
                    Named{Waiting::storage, "storage"},
                    Named{Waiting::extension, "extension"},
                    Named{Waiting::locks, "locks"},
                    Named{Waiting::replica, "replica"},
                    Named{Waiting::other, "other"}};
}

/// Nothing where too little was seen to say.
std::optional<Bottleneck> bottleneck_of(const Seen& seen, const OwnTime& own);

/// "limited by the server: log (WAL) 61 %, CPU 30 %; the client was busy 24 %".
std::string text_of(const Bottleneck& bottleneck);
/// What would help, as a sentence.
std::string remedy_of(Bottleneck::Limit limit);

}  // namespace sluice::load
