#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/ascii.hpp"
#include "base/quantity.hpp"
#include "jobs/handed.hpp"
#include "pg/conninfo.hpp"
#include "script/checksum.hpp"
#include "serve/counted.hpp"
#include "serve/field.hpp"
#include "serve/file_name.hpp"
#include "serve/handler.hpp"
#include "serve/inspecting.hpp"
#include "serve/keyed_upload.hpp"
#include "serve/load_flags.hpp"
#include "serve/resumable_upload.hpp"

namespace sluice::serve {
namespace {

/// Of the bad records of a check.
constexpr int rejects_shown = 1'000;

constexpr const char* type_of_parts = "application/partial-upload";

constexpr const char* load_types =
    "text/csv, text/tab-separated-values, application/gzip, application/zstd, "
    "application/octet-stream";

std::string media_type(const Request& request) {
  const std::string_view field = request.header("content-type");
  std::string type = in_small_letters(field.substr(0, field.find(';')));
  type.erase(type.find_last_not_of(" \t") + 1);
  return type;
}

/// Types that a form of another site cannot send without asking first.
void require_type(const Request& request) {
  const std::string type = media_type(request);
  for (const char* known :
       {"text/csv", "application/csv", "text/tab-separated-values", "application/gzip",
        "application/x-gzip", "application/zstd", "application/x-xz", "application/x-bzip2",
        "application/x-lz4", "application/zip", "application/octet-stream"})
    if (type == known) return;
  throw Refused{415,
                type.empty() ? "an upload says what it is: Content-Type: text/csv"
                             : "\"" + type + "\" is nothing that is loaded: send text/csv" +
                                   (type.starts_with("multipart/") || type.contains("urlencoded")
                                        ? " (curl -H 'Content-Type: text/csv' -T FILE)"
                                        : ""),
                {{"Accept-Post", load_types}}};
}

/// What is packed is known by its content.
void require_coding(const Request& request) {
  const std::string coding = in_small_letters(request.header("content-encoding"));
  if (coding.empty() || coding == "identity" || coding == "gzip" || coding == "zstd") return;
  throw Refused{415,
                "Content-Encoding is gzip or zstd, and not \"" + coding + "\"",
                {{"Accept-Encoding", "gzip, zstd"}}};
}

bool prefers_async(const Request& request) {
  const std::string preferences = "," + in_small_letters(request.header("prefer")) + ",";
  return preferences.contains(",respond-async,") || preferences.contains(", respond-async,") ||
         preferences.contains(",respond-async;");
}

/// What a Content-Type says of the text; the query's word counts more.
std::string charset_of(const Request& request) {
  for (const auto& [name, value] : parameters_of(request.header("content-type"))) {
    if (name != "charset") continue;
    const std::string known = in_small_letters(value);
    return known == "utf-8" || known == "utf8" || known == "us-ascii" ? "" : value;
  }
  return "";
}

/// What the Content-Type says of the text, where the query does not say it.
void add_parameters(std::vector<std::string>& arguments, const Request& request) {
  const auto add = [&arguments](const std::string& flag, const std::string& value) {
    const bool is_said = std::ranges::any_of(
        arguments, [&flag](const std::string& each) { return each.starts_with(flag); });
    if (!value.empty() && !is_said) arguments.push_back(flag + value);
  };
  add("--encoding=", charset_of(request));
  // https://www.rfc-editor.org/rfc/rfc4180#section-3
  for (const auto& [name, value] : parameters_of(request.header("content-type")))
    if (name == "header" && in_small_letters(value) == "absent") add("--header=", "none");
}

/// What is packed unpacks to no more than the server's bound, whatever the query allows.
void bound_unpacked(std::vector<std::string>& arguments, std::uint64_t bytes_max) {
  constexpr std::string_view flag = "--max-bytes=";
  if (bytes_max == 0) return;
  for (const std::string& argument : arguments) {
    if (!argument.starts_with(flag)) continue;
    const auto asked = parse_bytes(argument.substr(flag.size()));
    // What cannot be read is refused by the command.
    if (asked && (*asked == 0 || *asked > bytes_max))
      throw Refused{400, "max_bytes is at most " + std::to_string(bytes_max) + " here"};
    return;
  }
  arguments.push_back(std::string(flag) + std::to_string(bytes_max));
}

/// Whether the body has an end: a request that says nothing of one has none.
void require_body(const Request& request) {
  if (request.header("content-length").empty() && request.header("transfer-encoding").empty())
    throw Refused{411, "an upload has a body: with a Content-Length, or in chunks"};
}

/// An upload that goes on at an offset is text as it is stored, and its bytes are not seen again.
void require_resumable(const Request& request) {
  const std::string coding = in_small_letters(request.header("content-encoding"));
  if (!coding.empty() && coding != "identity")
    throw Refused{
        415, "what is uploaded in parts is not packed", {{"Accept-Encoding", "identity"}}};
  if (!charset_of(request).empty())
    throw Refused{415, "what is uploaded in parts is UTF-8, and not " + charset_of(request)};
  for (const char* name : {"content-digest", "repr-digest"})
    if (!request.header(name).empty())
      throw Refused{400, "of what is uploaded in parts no digest is compared: leave out " +
                             std::string(name)};
  if (!request.header("idempotency-key").empty())
    throw Refused{400, "an upload in parts has an address, and no Idempotency-Key"};
}

/// The client knows that word, and its version of the draft.
bool hears_104(const Request& request) {
  return !request.header("upload-draft-interop-version").empty();
}

std::optional<std::uint64_t> length_of(const Request& request) {
  const std::string_view length = request.header("content-length");
  if (length.empty()) return std::nullopt;
  return integer_of("Content-Length", length);
}

/// As early as a body's length is known.
void require_length(const Request& request, ResumableUpload& upload) {
  if (const std::string_view all = request.header("upload-length"); !all.empty())
    upload.set_length(integer_of("Upload-Length", all));
  if (const auto length = length_of(request)) upload.require_length(*length);
}

std::string json_of(const Query& query) {
  nlohmann::ordered_json pairs = nlohmann::ordered_json::array();
  for (const auto& [name, value] : query) pairs.push_back({name, value});
  return text_for_ledger(pairs);
}

/// What was written there by a server.
Query query_of_json(const std::string& text) {
  const auto pairs = nlohmann::json::parse(text, nullptr, false);
  Query query;
  if (!pairs.is_array()) return query;
  for (const auto& pair : pairs)
    if (pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string())
      query.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
  return query;
}

/// One chunk goes over one connection: how many more would do is not worth a question. What is
/// packed may be more, and goes over one all the same.
bool is_one_chunk(const Request& request) {
  const auto length = length_of(request);
  return length && *length <= limits::first_chunk_bytes;
}

/// What is short and comes alone needs no run of its own.
void tell_length(process::Call& call, const Request& request) {
  if (const auto length = length_of(request)) call.tell_length_of_stdin(*length);
}

/// With a digest nothing of other bytes may stay: all or nothing, unless somebody asks for less.
bool wants_atomic(const Uploads::Wanted& wanted, const Target& target) {
  if (wanted.content_digest.empty() && wanted.repr_digest.empty()) return false;
  return std::ranges::none_of(target.query, [](const auto& pair) {
    return pair.first == "atomic" || pair.first == "dry_run";
  });
}

/// What messages call it, and the ledger.
void name_file(process::Call& call, std::string name) {
  call.name_stdin(name.empty() ? "upload" : name);
}

/// Nothing that a table's functions leave in a session is there for another table, or another
/// token.
void hand_connection(process::Call& call, const Upload::Owner& owner,
                     const pg::ConnectOptions& connect, const Permission& permission) {
  const std::string conninfo = permission.role.empty()
                                   ? pg::given_conninfo(connect)
                                   : pg::given_conninfo(connect, permission.role);
  const nlohmann::json sessions{owner.name, owner.table.schema, owner.table.name, conninfo};
  call.likeness =
      script::sha256(sessions.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
  call.environment.push_back(std::string(jobs::sessions_of) + "=" + call.likeness);
  if (!conninfo.empty())
    call.environment.push_back(std::string(jobs::handed_connection) + "=" + conninfo);
  if (!permission.role.empty())
    call.environment.push_back(std::string(jobs::handed_role) + "=" + permission.role);
}

}  // namespace

/// A process that loads its stdin; what stands behind its flags is left to say. Throws Refused
/// where that is not allowed.
Uploads::Wanted Handler::wanted_load(const std::string& table, const Query& query,
                                     const Permission& permission) const {
  const TableName name = table_name_of(table);
  if (!permission.may_use(name))
    throw Refused{403, "this token may not load into " + table +
                           (name.schema.empty() ? "; name its schema" : "")};
  Uploads::Wanted wanted{.call = {.is_fed = true},
                         .owner = {.name = permission.name, .table = name}};
  std::vector<std::string>& arguments = wanted.call.arguments;
  arguments = {"load", "--table=" + table, "--output=json", "--progress=json"};
  bool allows_rejects = false;
  for (std::string& argument : arguments_of(query, permission)) {
    allows_rejects = allows_rejects || argument.starts_with("--max-reject");
    arguments.push_back(std::move(argument));
  }
  if (allows_rejects) arguments.emplace_back("--rejects-table");
  bound_unpacked(arguments, options_.unpacked_bytes_max);
  hand_connection(wanted.call, wanted.owner, options_.connect, permission);
  return wanted;
}

asio::awaitable<void> Handler::inspect(Exchange& exchange, const Asked& asked) {
  const Request& request = exchange.request();
  if (request.method != "POST") refuse_method("POST");
  require_type(request);
  require_coding(request);
  require_body(request);
  if (asked.permission.tables.empty())
    throw Refused{403, "this token may load into no table, and so looks at no file"};
  Uploads::Wanted wanted = inspection_of(asked.target, asked.permission);
  hand_connection(wanted.call, wanted.owner, options_.connect, asked.permission);
  name_file(wanted.call, file_name_of(request));
  Beginning beginning(exchange);
  if (inspections_ >= limits::serve_inspections_max)
    throw Refused{503, "as many files are being looked at as may", {{"Retry-After", "5"}}};
  const Counted one(inspections_);
  co_await beginning.fetch();
  co_await uploads_.take(beginning, std::move(wanted));
}

asio::awaitable<void> Handler::upload(Exchange& exchange, const Asked& asked) {
  const Request& request = exchange.request();
  if (request.method != "POST") refuse_method("POST");
  const bool is_check = asked.target.path[3] == "check";
  Uploads::Wanted wanted = wanted_load(asked.target.path[2], asked.target.query, asked.permission);
  require_type(request);
  require_coding(request);
  require_body(request);
  std::vector<std::string>& arguments = wanted.call.arguments;
  wanted.content_digest = request.header("content-digest");
  wanted.repr_digest = request.header("repr-digest");
  wanted.answers_at_once = prefers_async(request) && !is_check;
  if (is_check) {
    arguments.front() = "check";
    std::erase(arguments, "--rejects-table");
    // All of them may be longer than an answer.
    arguments.push_back("--show-rejects=" + std::to_string(rejects_shown));
  } else {
    if (is_one_chunk(request)) arguments.emplace_back("--jobs=1");
    if (wants_atomic(wanted, asked.target)) arguments.emplace_back("--atomic");
  }
  add_parameters(arguments, request);
  for (const char* argument : {"--", "-"}) arguments.emplace_back(argument);
  name_file(wanted.call, file_name_of(request));
  if (!is_check && !request.header("upload-complete").empty())
    co_return co_await begin_resumable(exchange, asked, std::move(wanted));
  // Whoever is answered before the rows are there asks for them by the load's number.
  if (!wanted.answers_at_once) tell_length(wanted.call, request);
  if (const std::string_view key = request.header("idempotency-key"); !key.empty() && !is_check) {
    KeyedUpload::About about{.owner = asked.permission.name,
                             .target = asked.target.path[2],
                             .query = json_of(asked.target.query),
                             .length = length_of(request),
                             .digest = wanted.content_digest + wanted.repr_digest};
    wanted.name = std::make_shared<KeyedUpload>(pool_, idempotency_name(key), std::move(about));
  }
  co_await uploads_.take(exchange, std::move(wanted));
}

asio::awaitable<void> Handler::begin_resumable(Exchange& exchange, const Asked& asked,
                                               Uploads::Wanted wanted) {
  const Request& request = exchange.request();
  require_resumable(request);
  const auto upload = std::make_shared<ResumableUpload>(ResumableUpload::begun_by(
      pool_, uploads_, asked.permission.name, asked.target.path[2], json_of(asked.target.query)));
  upload->set_complete(boolean_of("Upload-Complete", request.header("upload-complete")));
  require_length(request, *upload);
  upload->set_file_name(file_name_of(request));
  co_await upload->enter();
  if (hears_104(request)) {
    Headers headers{{"Location", upload->path()}};
    const char* const version = "Upload-Draft-Interop-Version";
    headers.emplace_back(version, request.header(in_small_letters(version)));
    co_await exchange.inform(104, std::move(headers));
  }
  wanted.name = upload;
  co_await uploads_.take(exchange, std::move(wanted));
}

asio::awaitable<void> Handler::route_upload(Exchange& exchange, const Asked& asked) {
  const std::string& method = exchange.request().method;
  if (method == "PATCH") co_return co_await go_on(exchange, asked);
  if (method != "HEAD" && method != "DELETE") refuse_method("HEAD, PATCH, DELETE");
  ResumableUpload upload =
      co_await ResumableUpload::find(pool_, uploads_, asked.permission.name, asked.target.path[2]);
  Answer answer{.status = 204};
  if (method == "HEAD")
    answer = co_await upload.look_up();
  else
    co_await upload.give_up();
  co_await exchange.answer(std::move(answer));
}

/// What the token may do now counts, and not what it might when the upload began.
asio::awaitable<void> Handler::go_on(Exchange& exchange, const Asked& asked) {
  const Request& request = exchange.request();
  require_resumable(request);
  require_body(request);
  if (media_type(request) != type_of_parts)
    throw Refused{415,
                  std::string("what goes on with an upload is Content-Type: ") + type_of_parts,
                  {{"Accept-Patch", type_of_parts}}};
  const bool is_complete = boolean_of("Upload-Complete", request.header("upload-complete"));
  const std::uint64_t offset = integer_of("Upload-Offset", request.header("upload-offset"));
  const auto upload = std::make_shared<ResumableUpload>(
      co_await ResumableUpload::find(pool_, uploads_, asked.permission.name, asked.target.path[2]));
  upload->set_complete(is_complete);
  Uploads::Wanted wanted =
      wanted_load(upload->target(), query_of_json(upload->query()), asked.permission);
  for (const char* argument : {"--", "-"}) wanted.call.arguments.emplace_back(argument);
  name_file(wanted.call, upload->file_name());
  std::optional<Answer> known = co_await upload->go_on(offset);
  if (known) co_return co_await exchange.answer(std::move(*known));
  require_length(request, *upload);
  wanted.name = upload;
  co_await uploads_.take(exchange, std::move(wanted));
}

}  // namespace sluice::serve
