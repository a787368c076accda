#include "fuzz/dialogue.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <stdexcept>
#include <string_view>

namespace sluice::test {
namespace {

using namespace std::string_literals;

constexpr std::uint8_t flag_goes_on = 1;
constexpr std::uint8_t flag_wrong_length = 2;

using MutateBytes = std::size_t (*)(std::uint8_t*, std::size_t, std::size_t);

std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

std::string row(const std::vector<std::string>& fields) {
  std::string body = number(static_cast<std::uint32_t>(fields.size()), 2);
  for (const std::string& field : fields)
    body += number(static_cast<std::uint32_t>(field.size()), 4) + field;
  return body;
}

std::string description(unsigned columns) {
  std::string body = number(columns, 2);
  for (unsigned i = 0; i < columns; ++i)
    body += "c\0"s + number(0, 6) + number(25, 4) + number(0, 8);
  return body;
}

std::string refusal(const std::string& state, const std::string& table = "") {
  return "SERROR\0VERROR\0C"s + state +
         "\0Mrefused\0Wsomething\nCOPY t, line 2, column id: \"x\"\0"s +
         (table.empty() ? ""s : "spgsluice\0t"s + table + "\0n" + table + "_pkey\0"s) + "\0"s;
}

template <class T, std::size_t Count>
const T& pick(const std::array<T, Count>& from, std::mt19937& random) {
  return from[random() % Count];
}

/// What a value may be instead.
const std::array<std::string, 26> values{"",
                                         "t",
                                         "f",
                                         "0",
                                         "1",
                                         "2",
                                         "3",
                                         "-1",
                                         "999",
                                         "x",
                                         "-",
                                         "finished",
                                         "void",
                                         "unfinished",
                                         "23",
                                         "25",
                                         "16",
                                         "1e400",
                                         "nan",
                                         "complete",
                                         "incomplete",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "18446744073709551615",
                                         "4294967296",
                                         "\xff\xfe"};

const std::array<std::string, 22> states{"40001", "40P01", "08006", "08P01", "57P01", "57P03",
                                         "57014", "22P02", "22P04", "23505", "23503", "23514",
                                         "25P02", "53300", "55P03", "42P01", "42501", "XX000",
                                         "54000", "0A000", "00000", ""};

const std::array<std::string, 14> tags{"COPY 0",
                                       "COPY 1",
                                       "COPY 3",
                                       "COPY -1",
                                       "COPY x",
                                       "COPY",
                                       "COPY 18446744073709551615",
                                       "COPY 99999999999999999999",
                                       "INSERT 0 3",
                                       "INSERT 0 99999999999999999999",
                                       "SELECT 1",
                                       "BEGIN",
                                       "COMMIT",
                                       "ROLLBACK"};

/// A message that may come at any time.
ServerMessage any_message(std::mt19937& random) {
  switch (random() % 19) {
    case 0: return {'G', "\0\0\0"s};
    case 1: return {'H', "\0\0\0"s};
    case 2: return {'W', "\0\0\0"s};
    case 3: return {'Z', std::string(1, "ITE"[random() % 3])};
    case 4: return {'C', pick(tags, random) + "\0"s};
    case 5: return {'E', refusal(pick(states, random))};
    case 6: return {'E', refusal("23505", "chunks")};
    case 7: return {'N', refusal("00000")};
    case 8: return {'A', "\0\0\0\1channel\0payload\0"s};
    case 9: return {'S', "client_encoding\0SQL_ASCII\0"s};
    case 10: return {'S', "server_version\00012.3\0"s};
    case 11: return {'I', ""};
    case 12: return {'T', description(static_cast<unsigned>(random() % 20))};
    case 13: {
      std::vector<std::string> fields(random() % 12);
      for (std::string& field : fields) field = pick(values, random);
      return {'D', row(fields)};
    }
    case 14:
      return {'R', number(std::array<unsigned, 8>{0, 2, 3, 5, 7, 8, 10, 99}[random() % 8], 4) +
                       (random() % 2 == 0 ? "SCRAM-SHA-256\0\0"s : "salt"s)};
    case 15: return {'d', "data"};
    case 16: return {'c', ""};
    case 17: return {std::array<char, 8>{'1', '2', '3', 'n', 't', 's', 'v', 'V'}[random() % 8], ""};
    default: return {static_cast<char>(random()), "\0\0\0\0"s};
  }
}

/// Replaces, removes or adds a field of a row.
void change_row(std::string& body, std::mt19937& random) {
  std::vector<std::size_t> begins;
  std::size_t at = 2;
  while (at + 4 <= body.size()) {
    begins.push_back(at);
    std::uint32_t length = 0;
    for (std::size_t i = 0; i < 4; ++i)
      length = length << 8 | static_cast<unsigned char>(body[at + i]);
    at += 4 + (length > body.size() ? 0 : length);
  }
  if (begins.empty()) return;
  const std::size_t which = random() % begins.size();
  const std::size_t end = which + 1 < begins.size() ? begins[which + 1] : body.size();
  const std::string& value = pick(values, random);
  const std::string field = random() % 5 == 0
                                ? number(0xffffffff, 4)
                                : number(static_cast<std::uint32_t>(value.size()), 4) + value;
  body.replace(begins[which], std::min(end, body.size()) - begins[which], field);
}

void change_body(ServerMessage& message, std::mt19937& random, MutateBytes mutate_bytes) {
  if (message.type == 'D' && random() % 4 != 0) {
    change_row(message.body, random);
  } else if (message.type == 'C' && random() % 2 == 0) {
    message.body = pick(tags, random) + "\0"s;
  } else {
    const std::size_t size = message.body.size();
    const std::size_t room = size + 16;
    message.body.resize(room);
    message.body.resize(
        mutate_bytes(reinterpret_cast<std::uint8_t*>(message.body.data()), size, room));
  }
}

}  // namespace

Dialogue Dialogue::parse(std::span<const std::uint8_t> bytes) {
  Dialogue dialogue;
  dialogue.connections.emplace_back();
  if (bytes.empty()) return dialogue;
  dialogue.command = bytes[0];
  for (std::size_t at = 1; at + 4 <= bytes.size();) {
    ServerMessage message{.type = static_cast<char>(bytes[at]), .body = {}};
    const std::uint8_t flags = bytes[at + 1];
    const std::size_t size = bytes[at + 2] | static_cast<std::size_t>(bytes[at + 3]) << 8;
    at += 4;
    const auto body = bytes.subspan(at, std::min(size, bytes.size() - at));
    message.body.assign(body.begin(), body.end());
    at += body.size();
    if (message.type == 0) {
      dialogue.connections.emplace_back();
      continue;
    }
    message.goes_on = (flags & flag_goes_on) != 0;
    message.excess = (flags & flag_wrong_length) != 0 ? static_cast<std::int8_t>(flags) : 0;
    message.times = 1U + (flags >> 4);
    dialogue.connections.back().push_back(std::move(message));
  }
  return dialogue;
}

std::string Dialogue::bytes() const {
  std::string text(1, static_cast<char>(command));
  bool is_first = true;
  for (const Answers& answers : connections) {
    if (!is_first) text += "\0\0\0\0"s;
    is_first = false;
    for (const ServerMessage& message : answers) {
      text += message.type;
      text += static_cast<char>((message.goes_on ? flag_goes_on : 0) |
                                (message.excess != 0 ? flag_wrong_length : 0) |
                                (message.times - 1U) << 4);
      text += static_cast<char>(message.body.size() & 0xff);
      text += static_cast<char>(message.body.size() >> 8 & 0xff);
      text += message.body;
    }
  }
  return text;
}

void Dialogue::name_folder(const std::string& folder) {
  if (folder.size() != recorded_folder.size())
    throw std::invalid_argument(folder + " is not as long as " + std::string(recorded_folder));
  for (Answers& answers : connections) {
    for (ServerMessage& message : answers) {
      std::size_t at = 0;
      while ((at = message.body.find(recorded_folder, at)) != std::string::npos)
        message.body.replace(at, folder.size(), folder);
    }
  }
}

void mutate(Dialogue& dialogue, unsigned seed, MutateBytes mutate_bytes) {
  std::mt19937 random(seed);
  for (auto changes = 1 + random() % 3; changes > 0; --changes) {
    Answers& answers = dialogue.connections[random() % dialogue.connections.size()];
    if (answers.empty()) {
      answers.push_back(any_message(random));
      continue;
    }
    // Most of a dialogue is its beginning; what stands behind it is as interesting.
    const std::size_t at = random() % answers.size();
    const auto place = answers.begin() + static_cast<std::ptrdiff_t>(at);
    ServerMessage& message = answers[at];
    switch (random() % 16) {
      case 0: answers.erase(place); break;
      case 1: answers.insert(place, ServerMessage(message)); break;
      case 2: std::swap(message, answers[random() % answers.size()]); break;
      case 3: answers.resize(at); break;
      case 4:
      case 5: answers.insert(place, any_message(random)); break;
      case 6: message = any_message(random); break;
      case 7: message.goes_on = !message.goes_on; break;
      case 8: message.times = static_cast<std::uint32_t>(1 + random() % 16); break;
      case 9: message.excess = message.excess == 0 ? 2 : 0; break;
      case 10:
        if (random() % 4 == 0) dialogue.command = static_cast<unsigned>(random() % 256);
        break;
      case 11:
        if (random() % 4 == 0 && dialogue.connections.size() < 4)
          dialogue.connections.push_back(Answers(answers));
        break;
      default: change_body(message, random, mutate_bytes); break;
    }
  }
}

}  // namespace sluice::test
