// SHA-256 of what comes in pieces.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tutti {

/// The system's OpenSSL is used when it is there, for it knows the processor's instructions for
/// this; libsodium else, several times slower. One thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void add(std::string_view bytes);
  /// 64 lower-case hex digits. Once, at the end.
  std::string finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Of bytes that are all there.
std::string sha256Hex(std::string_view bytes);

}  // namespace tutti
