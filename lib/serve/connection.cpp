#include "serve/connection.hpp"

#include <poll.h>

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include <fmt/format.h>

#include <array>

#include "base/ascii.hpp"
#include "base/limits.hpp"
#include "serve/rate_floor.hpp"
#include "serve/target.hpp"

namespace sluice::serve {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr int http_1_1 = 11;
/// Who goes on to send is read on, so that the answer arrives, but not for ever.
constexpr auto linger_in_all = 30 * limits::serve_linger;

template <class Head>
void set_headers(Head& head, const Answer& answer) {
  head.result(static_cast<unsigned>(answer.status));
  head.reason(std::string(reason_of(answer.status)));
  head.set(http::field::server, "pgsluice");
  if (answer.status != 204) head.set(http::field::content_type, answer.type);
  head.set(http::field::cache_control, "no-store");
  head.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : answer.headers) head.set(name, value);
}

/// A body's framing has one meaning, or none: whoever stands in front of this server must have read
/// it in the same way.
/// https://www.rfc-editor.org/rfc/rfc9112#section-6.1
void require_one_framing(const http::fields& fields, unsigned version) {
  const bool has_coding = fields.count(http::field::transfer_encoding) > 0;
  if (fields.count(http::field::content_length) > 1 ||
      (has_coding && fields.count(http::field::content_length) > 0))
    throw Refused{400, "the length of the body is said twice"};
  if (!has_coding) return;
  if (version < http_1_1) throw Refused{400, "HTTP/1.0 has no Transfer-Encoding"};
  if (fields.count(http::field::transfer_encoding) > 1 ||
      in_small_letters(std::string_view(fields[http::field::transfer_encoding])) != "chunked")
    throw Refused{501, "the one Transfer-Encoding that is taken is chunked"};
}

/// Of these a second one would be another's word.
void require_once(const http::fields& fields) {
  for (const http::field name :
       {http::field::host, http::field::authorization, http::field::content_type,
        http::field::content_encoding, http::field::expect})
    if (fields.count(name) > 1)
      throw Refused{400, std::string(http::to_string(name)) + " is said twice"};
  for (const char* name : {"Content-Digest", "Repr-Digest", "Prefer", "Last-Event-ID",
                           "Idempotency-Key", "Content-Disposition", "Upload-Complete",
                           "Upload-Offset", "Upload-Length", "Upload-Draft-Interop-Version"})
    if (fields.count(name) > 1) throw Refused{400, std::string(name) + " is said twice"};
}

/// One connection, plain or by TLS.
template <class Stream>
class Connection final : public Exchange {
 public:
  Connection(Stream stream, std::string peer, ConnectionWith with)
      : stream_(std::move(stream)), peer_(std::move(peer)), with_(std::move(with)) {}

  asio::awaitable<void> serve(std::function<void()>& close_idle);

  const Request& request() const override { return request_; }
  asio::awaitable<std::size_t> read(asio::mutable_buffer into) override;
  bool has_gone() override;
  void stop_reading() override { tcp().cancel(); }
  asio::awaitable<void> inform(int status, Headers headers) override;
  asio::awaitable<void> answer(Answer answer) override;
  asio::awaitable<void> begin(Answer head) override;
  asio::awaitable<void> write(std::string part) override;

 private:
  using Parser = http::request_parser<http::buffer_body>;
  static constexpr bool is_secure = !std::is_same_v<Stream, beast::tcp_stream>;

  beast::tcp_stream& tcp() { return beast::get_lowest_layer(stream_); }
  asio::awaitable<bool> shake_hands();
  asio::awaitable<bool> read_request(std::function<void()>& close_idle);
  void take_headers();
  asio::awaitable<void> handle();
  asio::awaitable<void> handle_once();
  asio::awaitable<void> go_on();
  asio::awaitable<void> end_stream();
  asio::awaitable<void> skip_rest();
  asio::awaitable<void> close(std::function<void()>& close_idle);
  asio::awaitable<void> write_all(asio::const_buffer bytes);
  bool can_stay() const;
  bool stays() const;
  void check(boost::system::error_code error) const;

  Stream stream_;
  std::string peer_;
  ConnectionWith with_;
  beast::flat_buffer buffer_{limits::serve_read_bytes};
  std::optional<Parser> parser_;
  Request request_;
  bool waits_for_word_ = false;  ///< Expect: 100-continue
  bool is_answered_ = false;
  bool is_framed_ = false;  ///< where the body ends is known
  bool may_stay_ = false;   ///< the client was told so
  bool is_in_parts_ = false;
  bool is_chunked_ = false;  ///< the parts; else the connection's end is theirs
  RateFloor rate_floor_{0, std::chrono::nanoseconds::zero()};
  int status_ = 0;
  bool is_first_ = true;
};

template <class Stream>
bool Connection<Stream>::stays() const {
  return may_stay_ && parser_->is_done() && !with_.is_ending;
}

/// Whether the connection can serve again, once the rest of the body is read, of which there is
/// little.
template <class Stream>
bool Connection<Stream>::can_stay() const {
  if (!is_framed_ || with_.is_ending || !parser_->get().keep_alive()) return false;
  if (parser_->is_done()) return true;
  const auto left = parser_->content_length_remaining();
  return !waits_for_word_ && left && *left <= limits::unwanted_bytes_max;
}

template <class Stream>
void Connection<Stream>::check(boost::system::error_code error) const {
  if (!error) return;
  if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
  throw Cut{error == beast::error::timeout ? "it was silent for too long" : error.message()};
}

template <class Stream>
asio::awaitable<bool> Connection<Stream>::shake_hands() {
  if constexpr (is_secure) {
    tcp().expires_after(limits::serve_header_time);
    const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, token);
    // Who only looked whether somebody listens has gone without a word.
    if (error.category() != asio::error::get_ssl_category()) co_return !error;
    if (const auto untold = with_.tls_failures.note()) {
      std::string why = "TLS: " + error.message();
      if (*untold > 0) why += fmt::format(" (and {} others since the last)", *untold);
      with_.log({.what = "refused", .peer = peer_, .message = why});
    }
    co_return false;
  }
  co_return true;
}

/// False where the connection is over.
template <class Stream>
asio::awaitable<bool> Connection<Stream>::read_request(std::function<void()>& close_idle) {
  parser_.emplace();
  parser_->header_limit(limits::serve_header_bytes);
  parser_->body_limit(boost::none);
  request_ = {};
  who.clear();
  rate_floor_ = RateFloor(with_.body_rate_min, with_.idle_max);
  is_answered_ = is_in_parts_ = waits_for_word_ = is_framed_ = may_stay_ = false;
  status_ = 0;
  if (buffer_.size() == 0) {
    // Nothing of a request has come: until then the connection may be closed at any time.
    close_idle = [this] { tcp().cancel(); };
    tcp().expires_after(is_first_ ? limits::serve_header_time : limits::serve_keep_alive);
    const auto room = buffer_.prepare(4096);
    const auto [error, count] = co_await stream_.async_read_some(room, token);
    close_idle = nullptr;
    if (error) co_return false;
    buffer_.commit(count);
  }
  is_first_ = false;
  tcp().expires_after(limits::serve_header_time);
  const auto [error, count] = co_await http::async_read_header(stream_, buffer_, *parser_, token);
  if (!error) co_return true;
  if (error == beast::error::timeout || error == http::error::end_of_stream ||
      error == http::error::partial_message || error == asio::error::operation_aborted ||
      error.category() == asio::error::get_system_category())
    co_return false;
  Answer answer = error == http::error::header_limit || error == http::error::buffer_overflow
                      ? answer_of(Refused{431, "the headers are longer than 16 KiB"})
                      : answer_of(Refused{400, "this is no HTTP/1.1: " + error.message()});
  co_await this->answer(std::move(answer));
  with_.handler.note_answer(status_);
  with_.log({.what = "answered", .peer = peer_, .status = status_, .message = error.message()});
  co_await close(close_idle);
  co_return false;
}

template <class Stream>
void Connection<Stream>::take_headers() {
  const auto& message = parser_->get();
  request_.method = std::string(message.method_string());
  request_.target = std::string(message.target());
  request_.peer = peer_;
  request_.is_secure = is_secure;
  require_one_framing(message, message.version());
  is_framed_ = true;
  require_once(message);
  if (message.version() >= http_1_1 && message.count(http::field::host) == 0)
    throw Refused{400, "HTTP/1.1 wants a Host"};
  for (const auto& field : message)
    request_.headers.emplace_back(in_small_letters(std::string_view(field.name_string())),
                                  std::string(field.value()));
  if (const auto form = absolute_form_of(request_.target)) {
    request_.target = form->target;
    std::erase_if(request_.headers, [](const auto& header) { return header.first == "host"; });
    request_.headers.emplace_back("host", form->host);
  }
  const std::string expected = in_small_letters(request_.header("expect"));
  waits_for_word_ = expected == "100-continue";
  if (!expected.empty() && !waits_for_word_)
    throw Refused{417, "of what may be expected, 100-continue is known"};
  const auto length = parser_->content_length();
  if (length && with_.body_bytes_max && *length > *with_.body_bytes_max)
    throw Refused{413, "the body is larger than is taken here (--max-body)"};
  parser_->body_limit(with_.body_bytes_max ? boost::optional<std::uint64_t>(*with_.body_bytes_max)
                                           : boost::none);
}

template <class Stream>
asio::awaitable<void> Connection<Stream>::go_on() {
  if (!std::exchange(waits_for_word_, false)) co_return;
  http::response<http::empty_body> word(http::status::continue_, http_1_1);
  tcp().expires_after(with_.idle_max);
  const auto [error, count] = co_await http::async_write(stream_, word, token);
  check(error);
}

template <class Stream>
asio::awaitable<void> Connection<Stream>::inform(int status, Headers headers) {
  if (parser_->get().version() < http_1_1) co_return;
  http::response<http::empty_body> word;
  word.version(http_1_1);
  word.result(static_cast<unsigned>(status));
  word.reason(std::string(reason_of(status)));
  for (const auto& [name, value] : headers) word.set(name, value);
  tcp().expires_after(with_.idle_max);
  const auto [error, count] = co_await http::async_write(stream_, word, token);
  tcp().expires_never();
  check(error);
}

template <class Stream>
asio::awaitable<std::size_t> Connection<Stream>::read(asio::mutable_buffer into) {
  if (parser_->is_done()) co_return 0;
  co_await go_on();
  auto& body = parser_->get().body();
  body.data = into.data();
  body.size = into.size();
  while (!parser_->is_done() && body.size == into.size()) {
    tcp().expires_after(with_.idle_max);
    const auto asked = std::chrono::steady_clock::now();
    const auto [error, count] = co_await http::async_read_some(stream_, buffer_, *parser_, token);
    const bool is_fast = rate_floor_.add(count, std::chrono::steady_clock::now() - asked);
    if (error == http::error::need_buffer) break;
    if (error == http::error::body_limit)
      throw Refused{413, "the body is larger than is taken here (--max-body)"};
    if (error.category() == http::make_error_code(http::error::bad_chunk).category() &&
        error != http::error::partial_message && error != http::error::end_of_stream)
      throw Refused{400, "the body is no HTTP/1.1: " + error.message()};
    check(error);
    if (!is_fast && !parser_->is_done())
      throw Refused{408, "the body comes more slowly than is taken here (--min-rate)"};
  }
  tcp().expires_never();
  co_return into.size() - body.size;
}

/// The end that the other side has said stands behind what has come and is not read yet: the system
/// knows it all the same.
template <class Stream>
bool Connection<Stream>::has_gone() {
  ::pollfd looked{.fd = tcp().socket().native_handle(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&looked, 1, 0) > 0;
}

template <class Stream>
asio::awaitable<void> Connection<Stream>::answer(Answer answer) {
  if (is_answered_) throw Cut{"what was begun cannot be answered otherwise"};
  const bool has_body = request_.method != "HEAD";
  http::response<http::string_body> response;
  response.version(http_1_1);
  set_headers(response, answer);
  may_stay_ = can_stay();
  response.keep_alive(may_stay_);
  if (may_stay_ && parser_->get().version() < http_1_1)
    response.set(http::field::connection, "keep-alive");
  // https://www.rfc-editor.org/rfc/rfc9110#section-8.6: a 204 has none, and that of a 304 would be
  // that of what it stands for
  if (answer.status != 204 && answer.status != 304) response.content_length(answer.body.size());
  if (has_body) response.body() = std::move(answer.body);
  is_answered_ = true;
  status_ = answer.status;
  http::response_serializer<http::string_body> serializer(response);
  // Whoever reads, however slowly, is no silent one.
  while (!serializer.is_done()) {
    tcp().expires_after(with_.idle_max);
    const auto [error, count] = co_await http::async_write_some(stream_, serializer, token);
    check(error);
  }
  tcp().expires_never();
  // What is not read of the body would be taken for the next request.
  if (may_stay_ && !parser_->is_done()) co_await skip_rest();
}

/// What does not come in time, or is none, ends the connection.
template <class Stream>
asio::awaitable<void> Connection<Stream>::skip_rest() {
  std::array<char, 4096> some{};
  tcp().expires_after(limits::serve_linger);
  while (!parser_->is_done()) {
    auto& body = parser_->get().body();
    body.data = some.data();
    body.size = some.size();
    const auto [error, count] = co_await http::async_read_some(stream_, buffer_, *parser_, token);
    if (error && error != http::error::need_buffer) co_return;
  }
  tcp().expires_never();
}

template <class Stream>
asio::awaitable<void> Connection<Stream>::begin(Answer head) {
  http::response<http::empty_body> response;
  response.version(http_1_1);
  set_headers(response, head);
  is_chunked_ = parser_->get().version() >= http_1_1;
  response.chunked(is_chunked_);
  may_stay_ = is_chunked_ && can_stay() && parser_->is_done();
  response.keep_alive(may_stay_);
  is_answered_ = is_in_parts_ = true;
  status_ = head.status;
  http::response_serializer<http::empty_body> serializer(response);
  tcp().expires_after(with_.idle_max);
  const auto [error, count] = co_await http::async_write_header(stream_, serializer, token);
  tcp().expires_never();
  check(error);
}

template <class Stream>
asio::awaitable<void> Connection<Stream>::write(std::string part) {
  if (request_.method == "HEAD" || part.empty()) co_return;
  if (is_chunked_) part = fmt::format("{:x}\r\n", part.size()) + part + "\r\n";
  co_await write_all(asio::buffer(part));
}

template <class Stream>
asio::awaitable<void> Connection<Stream>::write_all(asio::const_buffer bytes) {
  while (bytes.size() > 0) {
    tcp().expires_after(with_.idle_max);
    const auto [error, count] = co_await stream_.async_write_some(bytes, token);
    check(error);
    bytes += count;
  }
  tcp().expires_never();
}

template <class Stream>
asio::awaitable<void> Connection<Stream>::end_stream() {
  if (!is_in_parts_ || !is_chunked_ || request_.method == "HEAD") co_return;
  co_await write_all(asio::buffer("0\r\n\r\n", 5));
}

template <class Stream>
asio::awaitable<void> Connection<Stream>::handle_once() {
  std::optional<Answer> refused;
  try {
    take_headers();
  } catch (const Refused& refusal) {
    refused = answer_of(refusal);
  }
  if (refused) co_return co_await answer(std::move(*refused));
  co_await with_.handler.handle(*this);
  co_await end_stream();
}

template <class Stream>
asio::awaitable<void> Connection<Stream>::handle() {
  const auto began = std::chrono::steady_clock::now();
  std::string cut;
  try {
    co_await handle_once();
  } catch (const Cut& gone) {
    cut = gone.why;
  }
  with_.handler.note_answer(status_);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  with_.log({.what = cut.empty() ? "answered" : "cut",
             .peer = peer_,
             .who = who,
             .method = request_.method,
             .path = request_.target.substr(0, request_.target.find('?')),
             .status = status_,
             .seconds = took.count(),
             .message = cut});
  if (!cut.empty()) throw Cut{cut};
}

/// What is still on its way would reset the connection, and take the answer with it. Where others
/// want its place, that is how it ends.
template <class Stream>
asio::awaitable<void> Connection<Stream>::close(std::function<void()>& close_idle) {
  tcp().expires_after(limits::serve_linger);
  if constexpr (is_secure) co_await stream_.async_shutdown(token);
  boost::system::error_code ignored;
  tcp().socket().shutdown(tcp::socket::shutdown_send, ignored);
  std::array<char, 4096> some{};
  close_idle = [this] { tcp().cancel(); };
  const auto until = std::chrono::steady_clock::now() + linger_in_all;
  while (std::chrono::steady_clock::now() < until) {
    tcp().expires_after(limits::serve_linger);
    const auto [error, count] = co_await tcp().async_read_some(asio::buffer(some), token);
    if (error) break;
  }
  close_idle = nullptr;
}

template <class Stream>
asio::awaitable<void> Connection<Stream>::serve(std::function<void()>& close_idle) {
  try {
    if (!co_await shake_hands()) co_return;
    while ((!with_.is_ending || with_.is_late) && co_await read_request(close_idle)) {
      co_await handle();
      if (stays()) continue;
      co_await close(close_idle);
      co_return;
    }
  } catch (const Cut&) {
  }
}

}  // namespace

asio::awaitable<void> serve_connection(tcp::socket socket, ConnectionWith with,
                                       std::function<void()>& close_idle) {
  boost::system::error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  const std::string name = error ? "" : peer.address().to_string();
  socket.set_option(tcp::no_delay(true), error);
  if (with.tls != nullptr) {
    using Stream = asio::ssl::stream<beast::tcp_stream>;
    // Others may have come in its place while it is used.
    asio::ssl::context& tls = *with.tls;
    Connection<Stream> connection(Stream(beast::tcp_stream(std::move(socket)), tls), name,
                                  std::move(with));
    co_await connection.serve(close_idle);
  } else {
    Connection<beast::tcp_stream> connection(beast::tcp_stream(std::move(socket)), name,
                                             std::move(with));
    co_await connection.serve(close_idle);
  }
}

}  // namespace sluice::serve
