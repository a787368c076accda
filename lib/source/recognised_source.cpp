#include "source/recognised_source.hpp"

#include "base/failure.hpp"
#include "source/archive_shelf.hpp"
#include "source/member_source.hpp"
#include "source/no_archive.hpp"
#include "source/packed_source.hpp"

namespace sluice::source {
RecognisedSource::RecognisedSource(std::unique_ptr<Source> raw, UnpackOptions options)
    : options_(std::move(options)), top_(std::move(raw)), bottom_(top_.get()), now_(top_.get()) {}

std::size_t RecognisedSource::read(char* into, std::size_t size) {
  if (!is_recognised_) recognise();
  return top_->read(into, size);
}

std::size_t RecognisedSource::read_some(char* into, std::size_t size) {
  if (!is_recognised_) recognise();
  return top_->read_some(into, size);
}

bool RecognisedSource::seek(std::uint64_t offset) {
  if (!is_recognised_) recognise();
  return top_->seek(offset);
}

/// A source that was stopped meanwhile looks like one that was cut off.
void RecognisedSource::recognise() {
  try {
    bool is_of_archive = false;
    for (Packing packing = unpack_streams(); is_archive(packing); packing = unpack_streams()) {
      count_packing(packing);
      is_of_archive = true;
      std::optional<ChosenMember> known;
      if (options_.shelf && options_.member)
        known = options_.shelf->find(top_->stamp(), *options_.member);
      ChosenMember chosen = known ? *known : choose_member(*top_, packing, options_);
      if (!top_->rewind()) {
        throw Failure(FailureKind::failed,
                      name() +
                          ": comes once, and its member stands too far behind its beginning: "
                          "make it a file, and load that");
      }
      add_layer(
          std::make_unique<MemberSource>(std::move(top_), packing, options_, std::move(chosen)));
    }
    if (!is_of_archive && !options_.members.empty()) throw no_archive(name());
  } catch (const Failure&) {
    if (!stopped_) throw;
  }
  is_recognised_ = true;
}

/// What is left: none, or an archive.
Packing RecognisedSource::unpack_streams() {
  for (;;) {
    const Packing packing = packing_of(top_->beginning(recognised_bytes));
    if (stopped_ || packing == Packing::none) return Packing::none;
    if (is_archive(packing)) return packing;
    count_packing(packing);
    add_layer(std::make_unique<PackedSource>(std::move(top_), packing, options_));
  }
}

void RecognisedSource::count_packing(Packing packing) {
  if (++packings_ <= limits::packings_max) return;
  throw Failure(FailureKind::usage, name() + ": is packed more than twice (what is in it is " +
                                        std::string(name_of(packing)) +
                                        " again): unpack it once, and load that");
}

/// The old top is in it; who asks that on another thread asks a part of the new
/// one.
void RecognisedSource::add_layer(std::unique_ptr<Source> layer) {
  top_ = std::move(layer);
  now_ = top_.get();
  if (stopped_) top_->stop();
}

std::unique_ptr<Source> RecognisedSource::archive_in(std::unique_ptr<Source> raw,
                                                     UnpackOptions options) {
  RecognisedSource source(std::move(raw), std::move(options));
  if (!is_archive(source.unpack_streams())) return nullptr;
  return std::move(source.top_);
}

std::optional<Members> RecognisedSource::members() {
  const Packing packing = unpack_streams();
  if (!is_archive(packing)) return std::nullopt;
  return members_in(*top_, packing, options_);
}

void RecognisedSource::stop() {
  stopped_ = true;
  now().stop();
}

std::optional<std::uint64_t> RecognisedSource::told_length() const {
  const bool is_plain = is_recognised_ && top_.get() == bottom_;
  return is_plain ? bottom_->told_length() : std::nullopt;
}

std::string RecognisedSource::oddity() const {
  const std::string& called = name();
  const bool sounds_plain =
      !called.contains('!') &&
      (called.ends_with(".csv") || called.ends_with(".tsv") || called.ends_with(".txt"));
  if (sounds_plain && packed()) return called + " is packed, whatever its name says";
  // A file goes by its name.
  return bottom_->file() ? std::string() : bottom_->oddity();
}

}  // namespace sluice::source
