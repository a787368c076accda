#include "source/seven_zip_memory.hpp"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "source/unpacking_source.hpp"

namespace sluice::source {
namespace {

/// As 7zFormat.txt of the LZMA SDK names them.
enum Id : std::uint64_t {
  id_end = 0,
  id_header = 1,
  id_archive_properties = 2,
  id_additional_streams = 3,
  id_main_streams = 4,
  id_pack = 6,
  id_unpack = 7,
  id_size = 9,
  id_checksum = 10,
  id_folder = 11,
  id_coders_unpack_size = 12,
  id_encoded_header = 23,
};

constexpr std::uint64_t signature_bytes = 32;
/// Of the header, packed or not; one of 100,000 members takes a tenth.
constexpr std::uint64_t header_bytes_max = 64 * limits::MiB;
constexpr std::uint64_t count_max = 1'000'000;

struct MalformedHeader {};
struct Encrypted {};

/// One method of a folder.
struct Coder {
  std::string id;
  std::string properties;

  bool is_lzma() const { return id == "\x03\x01\x01"; }
  bool is_lzma2() const { return id == "\x21"; }
  bool is_ppmd() const { return id == "\x03\x04\x01"; }
  bool is_aes() const { return id == "\x06\xf1\x07\x01"; }
  bool is_copy() const { return id == std::string(1, '\0'); }

  std::uint64_t memory() const {
    const auto byte = [this](std::size_t at) {
      return static_cast<std::uint64_t>(static_cast<unsigned char>(properties[at]));
    };
    if ((is_lzma() || is_ppmd()) && properties.size() == 5)
      return byte(1) | byte(2) << 8U | byte(3) << 16U | byte(4) << 24U;
    if (is_lzma2() && properties.size() == 1) {
      if (byte(0) > 40) throw MalformedHeader();
      return byte(0) == 40 ? UINT32_MAX : (2 | (byte(0) & 1U)) << (byte(0) / 2 + 11);
    }
    if (is_lzma() || is_ppmd() || is_lzma2()) throw MalformedHeader();
    return 0;
  }
};

struct Folder {
  std::vector<Coder> coders;
  std::uint64_t outputs = 0;
  std::vector<std::uint64_t> unpacked;  ///< bytes of each output
};

struct Streams {
  std::uint64_t pack_at = 0;
  std::vector<std::uint64_t> packed;
  std::vector<Folder> folders;
};

/// The bytes of a header, in which nothing is believed.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view bytes) : bytes_(bytes) {}

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size()) throw MalformedHeader();
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  std::uint64_t byte() { return static_cast<unsigned char>(take(1).front()); }
  /// The ones in front of a first byte say how many follow it.
  std::uint64_t number() {
    const std::uint64_t first = byte();
    std::uint64_t mask = 0x80;
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i, mask >>= 1U) {
      if ((first & mask) == 0) return value | (first & (mask - 1)) << (8 * i);
      value |= byte() << (8 * i);
    }
    return value;
  }
  std::uint64_t count() {
    const std::uint64_t value = number();
    if (value > count_max) throw MalformedHeader();
    return value;
  }
  void skip_checksums(std::uint64_t count) {
    std::uint64_t defined = count;
    if (byte() == 0) {
      defined = 0;
      for (const char c : take((count + 7) / 8))
        defined += static_cast<std::uint64_t>(__builtin_popcount(static_cast<unsigned char>(c)));
    }
    take(4 * defined);
  }

 private:
  std::string_view bytes_;
};

Coder read_coder(HeaderReader& from, std::uint64_t& inputs, std::uint64_t& outputs) {
  const std::uint64_t flags = from.byte();
  if ((flags & 0xc0U) != 0) throw MalformedHeader();
  Coder coder;
  coder.id = from.take(flags & 0xfU);
  const bool is_complex = (flags & 0x10U) != 0;
  inputs += is_complex ? from.count() : 1;
  outputs += is_complex ? from.count() : 1;
  if ((flags & 0x20U) != 0) coder.properties = from.take(from.count());
  return coder;
}

Folder read_folder(HeaderReader& from) {
  Folder folder;
  std::uint64_t inputs = 0;
  for (std::uint64_t left = from.count(); left > 0; --left)
    folder.coders.push_back(read_coder(from, inputs, folder.outputs));
  if (folder.outputs == 0) throw MalformedHeader();
  const std::uint64_t pairs = folder.outputs - 1;
  for (std::uint64_t i = 0; i < 2 * pairs; ++i) from.number();
  if (inputs < pairs) throw MalformedHeader();
  const std::uint64_t packed = inputs - pairs;
  for (std::uint64_t i = 0; packed > 1 && i < packed; ++i) from.number();
  return folder;
}

void read_pack(HeaderReader& from, Streams& streams) {
  streams.pack_at = from.number();
  const std::uint64_t count = from.count();
  for (std::uint64_t id = from.number(); id != id_end; id = from.number()) {
    if (id == id_size) {
      for (std::uint64_t i = 0; i < count; ++i) streams.packed.push_back(from.number());
    } else if (id == id_checksum) {
      from.skip_checksums(count);
    } else {
      throw MalformedHeader();
    }
  }
}

void read_unpack(HeaderReader& from, Streams& streams) {
  if (from.number() != id_folder) throw MalformedHeader();
  const std::uint64_t count = from.count();
  if (from.byte() != 0) throw MalformedHeader();  // folders elsewhere: no archiver does that
  for (std::uint64_t i = 0; i < count; ++i) streams.folders.push_back(read_folder(from));
  if (from.number() != id_coders_unpack_size) throw MalformedHeader();
  for (Folder& folder : streams.folders)
    for (std::uint64_t i = 0; i < folder.outputs; ++i) folder.unpacked.push_back(from.number());
  std::uint64_t id = from.number();
  if (id == id_checksum) {
    from.skip_checksums(count);
    id = from.number();
  }
  if (id != id_end) throw MalformedHeader();
}

/// Up to the folders: what is behind them takes no memory.
Streams read_streams(HeaderReader& from) {
  Streams streams;
  std::uint64_t id = from.number();
  if (id == id_pack) {
    read_pack(from, streams);
    id = from.number();
  }
  if (id == id_unpack) read_unpack(from, streams);
  return streams;
}

std::uint64_t memory_of(const Streams& streams) {
  std::uint64_t most = 0;
  for (const Folder& folder : streams.folders)
    for (const Coder& coder : folder.coders) most = std::max(most, coder.memory());
  return most;
}

std::string bytes_at(Source& archive, std::uint64_t at, std::uint64_t count) {
  const std::uint64_t length = archive.length().value_or(0);
  if (count > header_bytes_max || at > length || count > length - at) throw MalformedHeader();
  std::string bytes(count, '\0');
  if (!archive.seek(at) || archive.read(bytes.data(), bytes.size()) != bytes.size())
    throw MalformedHeader();
  return bytes;
}

struct Decoding {
  ~Decoding() {
    ::lzma_end(&stream);
    std::free(filters[0].options);
  }
  lzma_stream stream = LZMA_STREAM_INIT;
  std::array<lzma_filter, 2> filters{{{LZMA_VLI_UNKNOWN, nullptr}, {LZMA_VLI_UNKNOWN, nullptr}}};
};

std::string unpacked(std::string packed, const Coder& coder, std::uint64_t bytes) {
  if (coder.is_copy()) return packed;
  if (bytes > header_bytes_max || !(coder.is_lzma() || coder.is_lzma2())) throw MalformedHeader();
  Decoding decoding;
  decoding.filters[0].id = coder.is_lzma() ? LZMA_FILTER_LZMA1 : LZMA_FILTER_LZMA2;
  const auto* const properties = reinterpret_cast<const std::uint8_t*>(coder.properties.data());
  lzma_stream& stream = decoding.stream;
  if (::lzma_properties_decode(decoding.filters.data(), nullptr, properties,
                               coder.properties.size()) != LZMA_OK ||
      ::lzma_raw_decoder(&stream, decoding.filters.data()) != LZMA_OK)
    throw MalformedHeader();
  std::string text(bytes, '\0');
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  stream.next_out = reinterpret_cast<std::uint8_t*>(text.data());
  stream.avail_out = text.size();
  // Without an end mark it fills what it is given, and no more than that.
  while (stream.avail_out > 0) {
    const lzma_ret result = ::lzma_code(&stream, LZMA_RUN);
    if (result != LZMA_OK && result != LZMA_STREAM_END) throw MalformedHeader();
    if (result == LZMA_STREAM_END && stream.avail_out > 0) throw MalformedHeader();
  }
  return text;
}

std::uint64_t memory_of_header(Source& archive, std::string header, std::uint64_t memory_max) {
  // A packed header in a packed one is as far as it goes.
  for (int depth = 0; depth < 3; ++depth) {
    HeaderReader from(header);
    const std::uint64_t id = from.number();
    if (id == id_header) {
      std::uint64_t part = from.number();
      if (part == id_archive_properties) {
        while (from.number() != id_end) from.take(from.number());
        part = from.number();
      }
      std::uint64_t memory = 0;
      if (part == id_additional_streams) throw MalformedHeader();  // no archiver writes them
      if (part == id_main_streams) memory = memory_of(read_streams(from));
      return memory;
    }
    if (id != id_encoded_header) throw MalformedHeader();
    const Streams streams = read_streams(from);
    if (streams.folders.size() != 1 || streams.packed.empty()) throw MalformedHeader();
    const Folder& folder = streams.folders.front();
    if (std::ranges::any_of(folder.coders, &Coder::is_aes)) throw Encrypted();
    const std::uint64_t memory = memory_of(streams);
    if (memory > memory_max) return memory;
    if (folder.coders.size() != 1 || folder.unpacked.size() != 1) throw MalformedHeader();
    std::string packed =
        bytes_at(archive, signature_bytes + streams.pack_at, streams.packed.front());
    header = unpacked(std::move(packed), folder.coders.front(), folder.unpacked.front());
  }
  throw MalformedHeader();
}

}  // namespace

std::uint64_t memory_of_seven_zip(Source& archive, std::uint64_t memory_max) {
  try {
    const std::string signature = bytes_at(archive, 0, signature_bytes);
    const auto number_at = [&signature](std::size_t at) {
      std::uint64_t value = 0;
      for (std::size_t i = 0; i < 8; ++i)
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(signature[at + i]))
                 << (8 * i);
      return value;
    };
    const std::uint64_t offset = number_at(12);
    const std::uint64_t length = archive.length().value_or(0);
    if (offset > length) throw MalformedHeader();
    // What is behind the header is nobody's: another archive, that would be left out.
    const std::uint64_t end = signature_bytes + offset;
    if (end <= length && number_at(20) < length - end) {
      throw damaged(archive.name(), "7z: " + std::to_string(length - end - number_at(20)) +
                                        " bytes follow its end, which are no part of it");
    }
    if (number_at(20) == 0) return 0;  // there is no member
    return memory_of_header(archive, bytes_at(archive, signature_bytes + offset, number_at(20)),
                            memory_max);
  } catch (const Encrypted&) {
    throw Failure(FailureKind::usage,
                  archive.name() +
                      ": the names in this 7z are encrypted: unpack it with its "
                      "password, and load that");
  } catch (const MalformedHeader&) {
    throw damaged(archive.name(), "7z: its header is none that an archiver writes");
  }
}

}  // namespace sluice::source
