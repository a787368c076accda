#include "source/read_ahead.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::source {

ReadAhead::ReadAhead(std::unique_ptr<Source> inner) : inner_(std::move(inner)) {}

ReadAhead::~ReadAhead() {
  inner_->stop();
  halt();
}

std::size_t ReadAhead::read(char* into, std::size_t size) {
  if (!is_begun_) return read_first(into, size);
  if (!is_packed_) return inner_->read(into, size);
  if (!comes_once()) return read_on(into, size);
  const auto on = [this](char* to, std::size_t most) { return read_on(to, most); };
  return beginning_.read(into, size, on);
}

/// Without the thread: it tells whether there will be one.
std::size_t ReadAhead::read_first(char* into, std::size_t size) {
  const auto on = [this](char* to, std::size_t most) { return inner_->read(to, most); };
  const std::size_t got = beginning_.read(into, size, on);
  is_begun_ = true;
  const auto packed = inner_->packed();
  if (packed) packed_done_ = packed->done;
  is_packed_ = packed.has_value();
  if (!packed || !comes_once()) beginning_ = KeptBeginning();
  return got;
}

std::size_t ReadAhead::read_on(char* into, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const Slot* const slot = filled_slot();
    if (slot == nullptr) break;
    const std::size_t now = std::min(size - done, slot->size - given_);
    std::memcpy(into + done, slot->bytes.data() + given_, now);
    done += now;
    given_ += now;
    if (given_ < slot->size) continue;
    packed_done_ = slot->packed_done;
    if (done == size && (slot->failure || slot->is_last)) break;
    if (slot->failure) std::rethrow_exception(slot->failure);
    if (slot->is_last) break;
    release_slot();
  }
  return done;
}

/// The oldest one, where the thread is far enough; null once stopped.
ReadAhead::Slot* ReadAhead::filled_slot() {
  if (stopped_) return nullptr;
  if (!thread_.joinable()) {
    halting_ = false;
    thread_ = std::thread([this] { run(); });
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return filled_ > 0 || stopped_; });
  return stopped_ ? nullptr : &slots_[first_];
}

void ReadAhead::release_slot() {
  {
    const std::lock_guard lock(mutex_);
    first_ = (first_ + 1) % slots_.size();
    --filled_;
  }
  given_ = 0;
  changed_.notify_all();
}

void ReadAhead::run() {
  for (;;) {
    Slot* slot = nullptr;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return filled_ < slots_.size() || halting_; });
      if (halting_) return;
      slot = &slots_[(first_ + filled_) % slots_.size()];
    }
    fill(*slot);
    const bool is_last = slot->is_last;
    {
      const std::lock_guard lock(mutex_);
      ++filled_;
    }
    changed_.notify_all();
    if (is_last) return;
  }
}

void ReadAhead::fill(Slot& slot) const {
  slot.bytes.resize(limits::ahead_bytes);
  slot.size = 0;
  slot.is_last = false;
  slot.failure = nullptr;
  try {
    while (slot.size < slot.bytes.size() && !slot.is_last) {
      const std::size_t got =
          inner_->read_some(slot.bytes.data() + slot.size, slot.bytes.size() - slot.size);
      slot.size += got;
      slot.is_last = got == 0;
    }
  } catch (...) {
    slot.failure = std::current_exception();  // thrown again by read_on()
    slot.is_last = true;
  }
  if (const auto packed = inner_->packed()) slot.packed_done = packed->done;
}

/// Ends the thread, and forgets what it has read. A source that waits for bytes must be stopped
/// first.
void ReadAhead::halt() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      halting_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  first_ = filled_ = given_ = 0;
}

bool ReadAhead::seek(std::uint64_t offset) {
  if (!is_begun_) return inner_->seek(offset);
  if (is_packed_ && comes_once()) return beginning_.seek(offset);
  halt();
  const bool is_there = inner_->seek(offset);
  if (const auto packed = inner_->packed()) packed_done_ = packed->done;
  return is_there;
}

void ReadAhead::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  inner_->stop();
  changed_.notify_all();
}

std::optional<Source::Packed> ReadAhead::packed() const {
  if (!is_packed_) return std::nullopt;
  return Packed{packed_done_, inner_->packed()->total};
}

std::size_t ReadAhead::memory_bytes() const {
  if (!is_packed_) return inner_->memory_bytes();
  return inner_->memory_bytes() + limits::ahead_buffers * limits::ahead_bytes;
}

}  // namespace sluice::source
