#include "http/exchange.hpp"

#include <algorithm>
#include <charconv>
#include <new>

#include "base/failure.hpp"
#include "base/quantity.hpp"
#include "base/trimmed.hpp"
#include "http/answer.hpp"
#include "http/curl.hpp"

namespace sluice::http {
namespace {

/// Once for the process, and in front of its other threads' first use.
void require_curl() {
  static const CURLcode result = curl().global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw Failure(FailureKind::failed, curl().easy_strerror(result));
}

bool is_login_refusal(int status) { return status == 401 || status == 407; }

/// To a proxy without a tunnel all of the URL is said: "GET http://host/a.csv HTTP/1.1".
bool is_sent_to_proxy(std::string_view head) {
  const std::string_view first = head.substr(0, head.find('\r'));
  return first.substr(std::min(first.find(' '), first.size())).starts_with(" http://");
}

/// Of a body that comes faster than it is asked for there is so much on its way in curl.
constexpr long buffer_bytes = 256 * 1024;

}  // namespace

Carrier::Carrier() {
  require_curl();
  multi_.reset(curl().multi_init());
  if (!multi_) throw std::bad_alloc();
}

void Carrier::perform() {
  int running = 0;
  curl().multi_perform(multi_.get(), &running);
  int left = 0;
  while (const CURLMsg* const message = curl().multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* data = nullptr;
    curl().easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &data);
    auto& exchange = *static_cast<Exchange*>(data);
    exchange.result_ = message->data.result;
    exchange.is_over_ = true;
    exchange.is_running_ = false;
    curl().multi_remove_handle(multi_.get(), message->easy_handle);
  }
}

void Carrier::wait(std::chrono::milliseconds most) {
  curl().multi_poll(multi_.get(), nullptr, 0, static_cast<int>(most.count()), nullptr);
}

struct Exchange::Calls {
  static std::size_t header(char* bytes, std::size_t, std::size_t size, void* data) {
    auto& exchange = *static_cast<Exchange*>(data);
    try {
      return exchange.hear({bytes, size}) ? size : 0;
    } catch (const std::bad_alloc&) {
      return 0;
    }
  }

  /// What is sent has what curl adds too: a login, also of ~/.netrc.
  static int sent(CURL*, curl_infotype what, char* bytes, std::size_t size, void* data) {
    if (what != CURLINFO_HEADER_OUT) return 0;
    try {
      auto& exchange = *static_cast<Exchange*>(data);
      exchange.is_by_proxy_ = is_sent_to_proxy({bytes, size});
      exchange.secrets_.add_request({bytes, size});
      return 0;
    } catch (const std::bad_alloc&) {
      return 0;
    }
  }

  static std::size_t body(char* bytes, std::size_t, std::size_t size, void* data) {
    auto& exchange = *static_cast<Exchange*>(data);
    switch (exchange.receiver_.take({bytes, size})) {
      case Receiver::Taken::all: return size;
      case Receiver::Taken::later: return CURL_WRITEFUNC_PAUSE;
      case Receiver::Taken::refused: break;
    }
    return CURL_WRITEFUNC_ERROR;
  }
};

Exchange::Exchange(Carrier& carrier, const Connecting& connecting, Receiver& receiver)
    : carrier_(carrier), connecting_(connecting), receiver_(receiver), easy_(curl().easy_init()) {
  if (!easy_) throw std::bad_alloc();
}

Exchange::~Exchange() { end(); }

void Exchange::end() {
  if (is_running_) curl().multi_remove_handle(carrier_.get(), easy_.get());
  is_running_ = false;
}

void Exchange::start(const Request& request, const Address* login, Netrc netrc) {
  end();
  prepare(request, login, netrc);
  answer_ = {};
  reason_.clear();
  error_.fill('\0');
  is_over_ = has_begun_ = is_by_proxy_ = false;
  result_ = CURLE_OK;
  heard_ = 0;
  const CURLMcode added = curl().multi_add_handle(carrier_.get(), easy_.get());
  if (added != CURLM_OK) throw Failure(FailureKind::failed, curl().multi_strerror(added));
  is_running_ = true;
}

/// Redirects are followed by who asks, which knows what may be told to whom.
void Exchange::prepare(const Request& request, const Address* login, Netrc netrc) {
  CURL* const easy = easy_.get();
  curl().easy_reset(easy);  // its connections stay
  headers_.reset();
  for (const auto& [name, value] : request.headers) {
    const std::string line = value.empty() ? name + ";" : name + ": " + value;
    curl_slist* const longer = curl().slist_append(headers_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    [[maybe_unused]] curl_slist* const same = headers_.release();
    headers_.reset(longer);
  }
  curl().easy_setopt(easy, CURLOPT_PRIVATE, this);
  curl().easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl().easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl().easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);  // as it may be signed
  curl().easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  curl().easy_setopt(easy, CURLOPT_USERAGENT, "pgsluice");
  curl().easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl().easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl().easy_setopt(easy, CURLOPT_ERRORBUFFER, error_.data());
  if (!connecting_.is_signed && netrc == Netrc::asked)
    curl().easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
  if (connecting_.is_near) curl().easy_setopt(easy, CURLOPT_PROXY, "");
  // A stream of HTTP/2 that nobody reads is kept in memory, up to megabytes; a connection of its
  // own is kept back by the system.
  curl().easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl().easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  curl().easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl().easy_setopt(easy, CURLOPT_BUFFERSIZE, buffer_bytes);
  curl().easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(connecting_.connect_timeout.count()));
  curl().easy_setopt(easy, CURLOPT_VERBOSE, 1L);  // to be told what is sent
  curl().easy_setopt(easy, CURLOPT_DEBUGFUNCTION, Calls::sent);
  curl().easy_setopt(easy, CURLOPT_DEBUGDATA, this);
  curl().easy_setopt(easy, CURLOPT_HEADERFUNCTION, Calls::header);
  curl().easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl().easy_setopt(easy, CURLOPT_WRITEFUNCTION, Calls::body);
  curl().easy_setopt(easy, CURLOPT_WRITEDATA, this);
  if (!connecting_.ca_file.empty()) {
    curl().easy_setopt(easy, CURLOPT_CAINFO, connecting_.ca_file.c_str());
    curl().easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  if (login != nullptr && login->has_login) {
    curl().easy_setopt(easy, CURLOPT_USERNAME, login->user.c_str());
    curl().easy_setopt(easy, CURLOPT_PASSWORD, login->password.c_str());
  }
  if (request.method == "HEAD") curl().easy_setopt(easy, CURLOPT_NOBODY, 1L);
  if (!request.body.empty() || request.method == "POST") {
    curl().easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
    curl().easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request.body.c_str());
  }
  if (request.method != "GET" && request.method != "HEAD" && request.method != "POST")
    curl().easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

/// Answers that come before the one that counts are forgotten (100 Continue). What stands behind a
/// body in chunks is none of its headers. False where there are too many.
bool Exchange::hear(std::string_view line) {
  heard_ += line.size();
  if (has_too_many_headers()) return false;
  if (!has_begun_) take_header(line);
  return true;
}

void Exchange::take_header(std::string_view line) {
  if (line.starts_with("HTTP/")) {
    answer_ = {};
    reason_.clear();
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return;
    line = trimmed(line.substr(space));
    std::from_chars(line.data(), line.data() + line.size(), answer_.status);
    const std::size_t behind = line.find(' ');
    if (behind != std::string_view::npos) reason_ = trimmed(line.substr(behind));
    return;
  }
  line = trimmed(line);
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    answer_.headers.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
  } else if (line.empty() && answer_.status >= 200) {
    has_begun_ = true;
    receiver_.begin(answer_);
  }
}

/// What a server behind a proxy says comes with the proxy's name on it (Via), mostly.
std::optional<int> Exchange::proxy_status() const {
  long status = 0;
  curl().easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &status);
  if (result_ != CURLE_OK && status >= 300) return static_cast<int>(status);
  const bool is_of_server = answer_.status != 407 && answer_.header("Via");
  if (!is_by_proxy_ || is_of_server || !is_login_refusal(answer_.status)) return std::nullopt;
  return answer_.status;
}

Failure Exchange::proxy_failure(const std::string& name) const {
  const int status = proxy_status().value_or(0);
  // tinyproxy says of a wrong login what servers say of theirs.
  const bool is_certain = !is_by_proxy_ || status == 407;
  const std::string who = is_certain ? "the proxy" : "the proxy, or the server behind it,";
  const std::string problem = name + ": " + who + " answers " + status_text(status, reason());
  if (!is_login_refusal(status)) return {FailureKind::failed, problem};
  const std::string advice =
      "A proxy is logged in to by its variable: http_proxy=http://USER:PASSWORD@HOST:PORT";
  if (is_certain) return {FailureKind::usage, problem, advice + "."};
  return {FailureKind::usage, problem,
          advice + "; a server by --http-header 'Authorization: ...' or by ~/.netrc."};
}

std::string Exchange::words() const {
  if (has_too_many_headers())
    return "the server sends more than " + format_bytes(limits::answer_header_bytes_max) +
           " of headers";
  const std::string words =
      error_[0] == '\0' ? curl().easy_strerror(result_) : shown(error_.data());
  // It shows the whole address, with its login.
  if (words.starts_with("Unsupported proxy"))
    return "the proxy that http_proxy, https_proxy or all_proxy names has no address that can be "
           "used";
  return words;
}

}  // namespace sluice::http
