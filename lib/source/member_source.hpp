#pragma once

#include <memory>

#include "source/archive_shelf.hpp"
#include "source/unpacking_source.hpp"

namespace sluice::source {

/// Looks through the archive from its beginning, where the source stands.
/// Throws Failure where not exactly one file is meant, where that one is
/// encrypted, and for what is a spreadsheet. In a stream the first one is meant
/// as long as no other is found.
ChosenMember choose_member(Source& archive, Packing packing, const UnpackOptions& options);

/// One member of an archive: "a.zip!dir/b.csv".
class MemberSource final : public UnpackingSource {
 public:
  MemberSource(std::unique_ptr<Source> inner, Packing packing, const UnpackOptions& options,
               ChosenMember chosen);
  ~MemberSource() override;

  std::string stamp() const override { return stamp_of(inner().stamp()); }
  std::string opening_stamp() const override { return stamp_of(inner().opening_stamp()); }
  std::optional<Packed> packed() const override;
  std::size_t memory_bytes() const override;
  const std::string& name() const override { return name_; }
  std::string identity() const override;

 private:
  void begin() override;
  std::size_t make(char* into, std::size_t size) override;
  std::size_t make_or_fail(char* into, std::size_t size);
  void open_member();
  void require_no_other();
  std::string stamp_of(const std::string& stamp) const;

  Packing packing_;
  ChosenMember chosen_;
  std::string name_;
  std::unique_ptr<ArchiveShelf::Reading> reading_;
  bool is_at_end_ = false;
  std::atomic<std::uint64_t> read_ = 0;  ///< of the member
};

/// The files of an archive. Throws Failure where the options mean none.
Members members_in(Source& archive, Packing packing, const UnpackOptions& options);

}  // namespace sluice::source
