#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "serve/named_upload.hpp"
#include "serve/uploads.hpp"

namespace sluice::serve {

/// An upload that goes on where it was cut off, on whatever host: an offset is how many bytes are
/// stored, and nothing else is kept of them but their beginning.
/// https://datatracker.ietf.org/doc/draft-ietf-httpbis-resumable-upload/
class ResumableUpload final : public NamedUpload {
 public:
  /// One that is to begin, with an address of its own. `query` is the request's, as JSON.
  static ResumableUpload begun_by(pg::Pool& pool, Uploads& uploads, std::string owner,
                                  std::string target, std::string query);
  /// One that has begun. Throws Refused{404} where this owner has none of that number.
  static asio::awaitable<ResumableUpload> find(pg::Pool& pool, Uploads& uploads, std::string owner,
                                               std::string id);

  const std::string& target() const { return known_.target; }
  const std::string& query() const { return known_.arguments; }
  std::string path() const { return "/v1/uploads/" + id_; }

  /// Before its address is told.
  asio::awaitable<void> enter();
  /// To HEAD: how far it is. Ends what still feeds it here: whoever asks has lost that.
  asio::awaitable<Answer> look_up();
  /// Before what goes on with it is taken; an answer where it has ended already. Throws Refused
  /// where it does not go on there.
  asio::awaitable<std::optional<Answer>> go_on(std::uint64_t offset);
  /// Nothing goes on with it.
  asio::awaitable<void> give_up();

  /// Whether the body that comes now is the last of it.
  void set_complete(bool is_complete) { is_complete_ = is_complete; }
  /// How many bytes all of it are to be, as its sender says. Throws Refused where he has said
  /// another number. What is set before enter() is known to whoever goes on.
  void set_length(std::uint64_t length);

  /// What the file is called, which is said when it begins.
  void set_file_name(std::string name);
  const std::string& file_name() const { return file_name_; }

  asio::awaitable<std::optional<Answer>> look(std::string_view first) override;
  std::size_t kept_bytes() const override;
  asio::awaitable<void> keep(std::string bytes) override;
  asio::awaitable<std::string> front() override;
  void add_to(process::Call& call) const override;
  bool is_complete() const override { return is_complete_; }
  bool stores_parts() const override { return true; }
  void require_length(std::uint64_t bytes) const override;
  asio::awaitable<void> note_end(const Upload& upload) override;
  asio::awaitable<Answer> answer_to_part() override;

 private:
  ResumableUpload(pg::Pool& pool, Uploads& uploads, std::string id, ledger::KnownUpload known)
      : NamedUpload(pool, known.key),
        uploads_(&uploads),
        id_(std::move(id)),
        known_(std::move(known)) {}

  void describe();
  asio::awaitable<void> refresh();
  asio::awaitable<void> end_former();
  bool is_being_stored() const;
  asio::awaitable<void> require_not_elsewhere();
  asio::awaitable<void> require_offset();
  std::uint64_t offset() const;
  bool comes_behind_kept() const { return offset_ > known_.kept_bytes; }

  Uploads* uploads_;
  std::string id_;
  ledger::KnownUpload known_;
  std::uint64_t offset_ = 0;  ///< where the body that comes now begins
  bool is_complete_ = true;
  std::optional<std::uint64_t> length_;  ///< of all of it
  std::string file_name_;
};

/// "?1" and "?0" of RFC 8941. Throws Refused.
bool boolean_of(std::string_view name, std::string_view value);
/// Throws Refused.
std::uint64_t integer_of(std::string_view name, std::string_view value);

}  // namespace sluice::serve
