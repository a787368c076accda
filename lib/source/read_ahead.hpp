#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "source/kept_beginning.hpp"
#include "source/source.hpp"

namespace sluice::source {

/// Another source's bytes, read by a thread of its own into a fixed number of buffers as soon as it
/// is known that they are packed: unpacking goes on while the rest of the load works. What is not
/// packed is handed through. What the other one throws comes behind the last byte before it.
class ReadAhead final : public Source {
 public:
  explicit ReadAhead(std::unique_ptr<Source> inner);
  ~ReadAhead() override;

  std::size_t read(char* into, std::size_t size) override;
  bool comes_once() const override { return inner_->comes_once(); }
  bool rewind() override { return seek(0); }
  bool seek(std::uint64_t offset) override;
  void expect_end(std::uint64_t offset) override { inner_->expect_end(offset); }
  void stop() override;
  std::optional<std::uint64_t> length() const override { return inner_->length(); }
  std::optional<std::uint64_t> told_length() const override { return inner_->told_length(); }
  std::string stamp() const override { return inner_->stamp(); }
  std::string opening_stamp() const override { return inner_->opening_stamp(); }
  std::optional<FileIdentity> file() const override { return inner_->file(); }
  std::string tail(std::size_t bytes) const override { return inner_->tail(bytes); }
  std::optional<Packed> packed() const override;
  std::size_t memory_bytes() const override;
  std::string oddity() const override { return inner_->oddity(); }
  const std::string& name() const override { return inner_->name(); }
  std::string identity() const override { return inner_->identity(); }

 private:
  /// What the thread fills; its content belongs to one of the two at a time.
  struct Slot {
    std::vector<char> bytes;
    std::size_t size = 0;
    std::uint64_t packed_done = 0;  ///< behind the last byte
    bool is_last = false;
    std::exception_ptr failure;  ///< behind the last byte
  };

  std::size_t read_first(char* into, std::size_t size);
  std::size_t read_on(char* into, std::size_t size);
  Slot* filled_slot();
  void release_slot();
  void run();
  void fill(Slot& slot) const;
  void halt();

  std::unique_ptr<Source> inner_;
  KeptBeginning beginning_;  ///< of what comes once
  bool is_begun_ = false;
  std::atomic<bool> is_packed_ = false;
  std::atomic<std::uint64_t> packed_done_ = 0;
  std::size_t given_ = 0;  ///< of the first slot

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Slot, limits::ahead_buffers> slots_;
  std::size_t first_ = 0;   ///< the oldest filled slot
  std::size_t filled_ = 0;  ///< how many are
  bool halting_ = false;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

}  // namespace sluice::source
