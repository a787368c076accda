#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "http/address.hpp"
#include "http/curl.hpp"
#include "http/request.hpp"
#include "http/secrets.hpp"

namespace sluice::http {

/// What hears an answer while it comes. Throws nothing: curl calls it.
class Receiver {
 public:
  virtual ~Receiver() = default;
  /// All headers are there; the body is still empty.
  virtual void begin(const Response& answer) noexcept = 0;
  enum class Taken {
    all,
    later,    ///< none: nothing more comes before Exchange::resume()
    refused,  ///< none: the exchange ends
  };
  virtual Taken take(std::string_view bytes) noexcept = 0;
};

/// How connections are made.
struct Connecting {
  std::string ca_file;  ///< the authorities that are trusted; empty: the system's
  std::chrono::milliseconds connect_timeout{};
  bool is_signed = false;  ///< requests say who asks: a login of ~/.netrc's is not for them
  bool is_near = false;    ///< on this machine or beside it: no proxy is between
};

/// Runs exchanges side by side, on the thread that calls it. stop() alone may be called by others.
class Carrier {
 public:
  Carrier();

  CURLM* get() const { return multi_.get(); }
  /// Goes on with what is possible now. Afterwards is_over() tells which exchanges have ended.
  void perform();
  /// Waits until something is possible, that long at most, or until wake().
  void wait(std::chrono::milliseconds most);
  void wake() { curl().multi_wakeup(multi_.get()); }

 private:
  struct Free {
    void operator()(CURLM* multi) const { curl().multi_cleanup(multi); }
  };
  std::unique_ptr<CURLM, Free> multi_;
};

/// One request and its answer; then another one, by the same connection where that serves.
class Exchange {
 public:
  /// Both outlive it.
  Exchange(Carrier& carrier, const Connecting& connecting, Receiver& receiver);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  enum class Netrc { asked, left };
  /// `login`: of the address, where the server is the one that it is for. ~/.netrc is left where
  /// somebody else than the user has named the server: it may have a login for all that there are.
  void start(const Request& request, const Address* login, Netrc netrc = Netrc::asked);
  void resume() { curl().easy_pause(easy_.get(), CURLPAUSE_CONT); }
  /// Forgets a request that is under way.
  void end();

  bool is_over() const { return is_over_; }
  CURLcode result() const { return result_; }    ///< REQUIRES: is_over()
  bool has_begun() const { return has_begun_; }  ///< all headers are there
  /// Of an answer by which a proxy itself refuses to go on, as far as is known; nothing where none
  /// does.
  /// REQUIRES: is_over()
  std::optional<int> proxy_status() const;
  /// ... in words, with the object's name. REQUIRES: proxy_status()
  Failure proxy_failure(const std::string& name) const;
  /// What others have said, as it may be shown: without any secret that was sent to them.
  std::string shown(std::string_view text) const { return secrets_.without(text); }
  std::string reason() const { return shown(reason_); }  ///< of the status line
  /// The answer has headers without an end, in front of its body or behind it.
  bool has_too_many_headers() const { return heard_ > limits::answer_header_bytes_max; }
  /// What went wrong, in curl's words. REQUIRES: is_over()
  std::string words() const;

 private:
  friend class Carrier;
  struct Calls;
  struct FreeEasy {
    void operator()(CURL* easy) const { curl().easy_cleanup(easy); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const { curl().slist_free_all(list); }
  };

  void prepare(const Request& request, const Address* login, Netrc netrc);
  bool hear(std::string_view line);
  void take_header(std::string_view line);

  Carrier& carrier_;
  const Connecting& connecting_;
  Receiver& receiver_;
  std::unique_ptr<CURL, FreeEasy> easy_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  Response answer_;
  std::string reason_;
  Secrets secrets_;
  bool is_running_ = false;
  bool is_over_ = false;
  bool has_begun_ = false;
  bool is_by_proxy_ = false;  ///< which answers itself where it does not want to go on
  std::size_t heard_ = 0;     ///< bytes of headers
  CURLcode result_ = CURLE_OK;
};

}  // namespace sluice::http
