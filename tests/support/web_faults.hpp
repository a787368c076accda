#pragma once

#include <atomic>
#include <cctype>
#include <chrono>
#include <string>
#include <utility>

#include "support/web_server.hpp"

/// What may go wrong at a web server while an object is read in parts.
namespace sluice::test {

inline constexpr std::size_t web_part_bytes = 64 * 1024;

enum class WebPlace { first, middle, last };

struct WebScene {
  WebObject object;            ///< version 1
  WebObject next;              ///< version 2
  std::size_t part;            ///< that the fault is at
  std::atomic<int> times = 0;  ///< that it was met
};

/// What becomes of the answer to a request for the part.
using WebFaultOf = WebServer::Answer (*)(WebScene&, const WebServer::Asked&, WebServer::Answer);

struct WebFault {
  const char* name;
  WebFaultOf fault;
  /// By place.
  int exit_codes[3];
  const char* words;
  bool from_there_on = false;  ///< it meets the parts behind it too
};

inline WebServer::Answer status_alone(int number) { return {.status = number}; }

inline const WebFault web_faults[] = {
    {"cut",
     [](WebScene& s, const WebServer::Asked&, WebServer::Answer answer) {
       if (s.times++ < 2) answer.cut_at = answer.body.size() / 3;
       return answer;
     },
     {0, 0, 0},
     ""},
    {"cut at its last byte",
     [](WebScene& s, const WebServer::Asked&, WebServer::Answer answer) {
       if (s.times++ == 0) answer.cut_at = answer.body.size() - 1;
       return answer;
     },
     {0, 0, 0},
     ""},
    {"cut before its first byte",
     [](WebScene& s, const WebServer::Asked&, WebServer::Answer answer) {
       if (s.times++ == 0) answer.cut_at = 0;
       return answer;
     },
     {0, 0, 0},
     ""},
    {"reset",
     [](WebScene& s, const WebServer::Asked&, WebServer::Answer answer) {
       if (s.times++ == 0) {
         answer.cut_at = answer.body.size() / 2;
         answer.is_reset = true;
       }
       return answer;
     },
     {0, 0, 0},
     ""},
    {"without its length, cut",
     [](WebScene& s, const WebServer::Asked&, WebServer::Answer answer) {
       answer.end = WebServer::Answer::End::by_closing;
       if (s.times++ == 0) answer.cut_at = answer.body.size() / 2;
       return answer;
     },
     {0, 0, 0},
     ""},
    {"in chunks, cut",
     [](WebScene& s, const WebServer::Asked&, WebServer::Answer answer) {
       answer.end = WebServer::Answer::End::in_chunks;
       if (s.times++ == 0) answer.cut_at = answer.body.size() / 2;
       return answer;
     },
     {0, 0, 0},
     ""},
    {"closed behind its last byte, unsaid",
     [](WebScene&, const WebServer::Asked&, WebServer::Answer answer) {
       answer.closes_after = std::chrono::milliseconds{20};
       return answer;
     },
     {0, 0, 0},
     "",
     true},
    {"without its length, never closed",
     [](WebScene&, const WebServer::Asked&, WebServer::Answer answer) {
       answer.end = WebServer::Answer::End::by_closing;
       answer.stands_still = true;
       return answer;
     },
     {0, 0, 0},
     ""},
    {"in chunks, never ended",
     [](WebScene&, const WebServer::Asked&, WebServer::Answer answer) {
       answer.end = WebServer::Answer::End::in_chunks_without_end;
       answer.stands_still = true;
       return answer;
     },
     {0, 0, 0},
     ""},
    {"closed without an answer",
     [](WebScene& s, const WebServer::Asked&, WebServer::Answer answer) {
       answer.is_silence = s.times++ < 2;
       return answer;
     },
     {0, 0, 0},
     ""},
    {"503 twice",
     [](WebScene& s, const WebServer::Asked&, WebServer::Answer answer) {
       return s.times++ < 2 ? status_alone(503) : answer;
     },
     {0, 0, 0},
     ""},
    {"429, later",
     [](WebScene& s, const WebServer::Asked&, WebServer::Answer answer) {
       if (s.times++ > 0) return answer;
       return WebServer::Answer{.status = 429, .headers = {{"Retry-After", "1"}}};
     },
     {0, 0, 0},
     ""},
    {"later than is waited",
     [](WebScene&, const WebServer::Asked&, WebServer::Answer) {
       return WebServer::Answer{.status = 503, .headers = {{"Retry-After", "3600"}}};
     },
     {1, 1, 1},
     "left alone"},
    {"500 for ever",
     [](WebScene&, const WebServer::Asked&, WebServer::Answer) { return status_alone(500); },
     {1, 1, 1},
     "--retry-for"},
    {"less than was asked for",
     [](WebScene& s, const WebServer::Asked& asked, WebServer::Answer answer) {
       if (!asked.range || s.times++ > 0) return answer;
       WebServer::Asked less = asked;
       less.range->second = less.range->first + 999;
       return s.object.answer(less);
     },
     {0, 0, 0},
     ""},
    {"another range",
     [](WebScene& s, const WebServer::Asked& asked, WebServer::Answer answer) {
       if (!asked.range) return answer;
       WebServer::Asked other = asked;
       ++other.range->first;
       return s.object.answer(other);
     },
     {0, 7, 7},
     "changed while it was read"},
    {"another length",
     [](WebScene& s, const WebServer::Asked& asked, WebServer::Answer answer) {
       if (!asked.range) return answer;
       WebObject longer = s.object;
       longer.body += "20001,1,more\n";
       return longer.answer(asked);
     },
     {7, 7, 7},
     "changed while it was read"},
    {"all for a part",
     [](WebScene& s, const WebServer::Asked& asked, WebServer::Answer) {
       WebServer::Asked all = asked;
       all.range.reset();
       return s.object.answer(all);
     },
     {0, 7, 7},
     "changed while it was read"},
    {"replaced behind it",
     [](WebScene& s, const WebServer::Asked& asked, WebServer::Answer) {
       return s.next.answer(asked);
     },
     {0, 7, 7},
     "changed while it was read",
     true},
    {"replaced, where nobody knows If-Match",
     [](WebScene& s, const WebServer::Asked& asked, WebServer::Answer) {
       WebObject next = s.next;
       next.knows_if_match = false;
       return next.answer(asked);
     },
     {0, 7, 7},
     "changed while it was read",
     true},
    {"weak by now",
     [](WebScene& s, const WebServer::Asked& asked, WebServer::Answer) {
       WebObject weak = s.object;
       weak.knows_if_match = false;
       weak.etag = "W/" + weak.etag;
       return weak.answer(asked);
     },
     {0, 7, 7},
     "changed while it was read",
     true},
    {"forbidden",
     [](WebScene&, const WebServer::Asked&, WebServer::Answer) { return status_alone(403); },
     {2, 2, 2},
     "the server answers 403"},
    {"who are you",
     [](WebScene&, const WebServer::Asked&, WebServer::Answer) { return status_alone(401); },
     {2, 2, 2},
     "the server answers 401"},
    {"not there",
     [](WebScene&, const WebServer::Asked&, WebServer::Answer) { return status_alone(404); },
     {2, 7, 7},
     "404"},
};

/// A server of the scene's object, with the fault at its place.
inline WebServer::Handler with_fault(WebScene& scene, const WebFault& fault) {
  return [&scene, &fault](const WebServer::Asked& asked) {
    WebServer::Answer answer = scene.object.answer(asked);
    const std::size_t part = asked.range ? asked.range->first / web_part_bytes : 0;
    const bool is_met = fault.from_there_on ? part >= scene.part : part == scene.part;
    return is_met ? fault.fault(scene, asked, std::move(answer)) : answer;
  };
}

/// The number of its first, middle or last part.
inline std::size_t part_at(WebPlace place, const WebObject& object) {
  const std::size_t parts = (object.body.size() + web_part_bytes - 1) / web_part_bytes;
  return place == WebPlace::first ? 0 : place == WebPlace::middle ? parts / 2 : parts - 1;
}

inline std::string name_of(const WebFault& fault, WebPlace place, bool is_packed) {
  std::string name = fault.name;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  static constexpr const char* places[] = {"First", "Middle", "Last"};
  return name + "_" + places[static_cast<int>(place)] + (is_packed ? "Packed" : "Plain");
}

}  // namespace sluice::test
