// Secret values at rest: XChaCha20-Poly1305 under one master key.

#include "storage/secret_box.hpp"

#include "storage/key_file.hpp"

#include <sodium.h>

#include <array>
#include <mutex>
#include <vector>

namespace leasehold {

namespace {

constexpr size_t key_size = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;

/// What sealed texts begin with: the format, and which key it was.
constexpr std::string_view format = "x1.";
constexpr size_t key_name_size = 8;

using bytes = std::vector<unsigned char>;

failure unusable(std::string message, std::string detail = {}) {
  return {ec::secret_unusable, std::move(message), std::move(detail)};
}

failure damaged() {
  return unusable("A sealed secret does not open: it has been changed, or was "
                  "moved from another secret.",
                  "Restore the database from a backup, or give the secret a "
                  "new value.");
}

const unsigned char* data_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Memory for the key: locked, guarded, and wiped when it is given back.
struct key_deleter {
  void operator()(unsigned char* x) const noexcept {
    sodium_free(x);
  }
};

using key_memory = std::unique_ptr<unsigned char, key_deleter>;

std::string_view without_space(std::string_view text) {
  constexpr auto space = " \t\r\n";
  auto begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

/// Reads 64 hexadecimal digits, or base64 in any of its alphabets.
bool read_key(std::string_view text, unsigned char* to) {
  text = without_space(text);
  size_t size = 0;
  if (text.size() == 2 * key_size)
    return sodium_hex2bin(to, key_size, text.data(), text.size(), nullptr,
                          &size, nullptr)
             == 0
           && size == key_size;
  for (auto variant :
       {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_URLSAFE,
        sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
        sodium_base64_VARIANT_URLSAFE_NO_PADDING})
    if (sodium_base642bin(to, key_size, text.data(), text.size(), nullptr,
                          &size, nullptr, variant)
          == 0
        && size == key_size)
      return true;
  return false;
}

/// A short name for a key, from which nothing about it follows.
std::string name_of(const unsigned char* key) {
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  constexpr std::string_view purpose = "leasehold master key name";
  crypto_generichash(hash.data(), hash.size(), data_of(purpose), purpose.size(),
                     key, key_size);
  std::array<char, key_name_size + 1> out{};
  sodium_bin2hex(out.data(), out.size(), hash.data(), key_name_size / 2);
  return out.data();
}

std::string to_base64(const bytes& x) {
  constexpr auto variant = sodium_base64_VARIANT_ORIGINAL;
  std::string out(sodium_base64_encoded_len(x.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), x.data(), x.size(), variant);
  out.pop_back();
  return out;
}

bool from_base64(std::string_view text, bytes& to) {
  to.resize(text.size());
  size_t size = 0;
  auto ok
    = sodium_base642bin(to.data(), to.size(), text.data(), text.size(), nullptr,
                        &size, nullptr, sodium_base64_VARIANT_ORIGINAL)
      == 0;
  to.resize(size);
  return ok;
}

/// The name of the key that sealed this; empty if it was not sealed by us.
std::string_view key_name_in(std::string_view sealed) {
  if (!sealed.starts_with(format)
      || sealed.size() <= format.size() + key_name_size
      || sealed[format.size() + key_name_size] != '.')
    return {};
  return sealed.substr(format.size(), key_name_size);
}

/// Lengths stand before texts, so that two places never look alike.
std::string associated(const sealed_place& where) {
  std::string out{"leasehold secret 1"};
  for (const auto& text :
       {where.company.value, where.secret.value, std::to_string(where.version)})
    out += "|" + std::to_string(text.size()) + "|" + text;
  return out;
}

} // namespace

void wipe(std::string& text) noexcept {
  sodium_memzero(text.data(), text.size());
  text.clear();
}

// -- the key ------------------------------------------------------------------

class secret_box::impl {
public:
  explicit impl(master_key_place where) : where_{std::move(where)} {
    // nop
  }

  ~impl() {
    wipe(where_.text);
  }

  /// Reads the key unless it has been read. `may_make`: a missing file is made.
  result<> load(bool may_make) {
    std::lock_guard guard{mutex_};
    if (key_)
      return done{};
    if (sodium_init() < 0)
      return unusable("libsodium cannot be used on this machine.");
    if (!where_.text.empty())
      return take(where_.text, std::string{master_key_variable});
    if (where_.file.empty())
      return unusable("There is no master key for secrets. Set "
                      + std::string{master_key_variable}
                      + " to 32 random bytes in hexadecimal or base64.");
    auto text = read_key_file(where_.file);
    if (text && text->empty())
      return may_make ? make() : missing();
    return text ? take_file(*text) : result<>{text.error()};
  }

  /// Whether this key sealed that. Only after `load`.
  result<> check(std::string_view sealed) const {
    auto theirs = key_name_in(sealed);
    if (theirs.empty())
      return damaged();
    if (theirs != name_)
      return unusable("The master key in " + source_
                        + " is not the one that the secrets were sealed with.",
                      "Restore the key " + std::string{theirs}
                        + " from a backup; this one is " + name_ + ".");
    return done{};
  }

  [[nodiscard]] const unsigned char* key() const {
    return key_.get();
  }

  [[nodiscard]] const std::string& name() const {
    return name_;
  }

private:
  [[nodiscard]] failure missing() const {
    return unusable("The master key file \"" + where_.file
                      + "\" is missing, and secrets are sealed with it.",
                    "Restore it from a backup. Without it they are lost: "
                    "remove them, and put them again.");
  }

  result<> take_file(std::string& text) {
    auto how = take(text, "\"" + where_.file + "\"");
    wipe(text);
    return how;
  }

  result<> take(std::string_view text, std::string source) {
    key_memory memory{static_cast<unsigned char*>(sodium_malloc(key_size))};
    if (!memory)
      return unusable("There is no memory for the master key.",
                      "The limit of locked memory may be too low.");
    if (!read_key(text, memory.get()))
      return unusable("The master key in " + source
                      + " has the wrong length or form: it must be 32 bytes, "
                        "as 64 hexadecimal digits or as base64.");
    name_ = name_of(memory.get());
    source_ = std::move(source);
    key_ = std::move(memory);
    return done{};
  }

  /// Makes a key file, or takes the one that somebody else made just now.
  result<> make() {
    std::array<unsigned char, key_size> fresh{};
    randombytes_buf(fresh.data(), fresh.size());
    std::string text(2 * key_size + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), fresh.data(), fresh.size());
    sodium_memzero(fresh.data(), fresh.size());
    text.back() = '\n';
    auto made = make_key_file(where_.file, text);
    wipe(text);
    if (!made)
      return made.error();
    auto stored = read_key_file(where_.file);
    if (stored && stored->empty())
      return missing();
    return stored ? take_file(*stored) : result<>{stored.error()};
  }

  master_key_place where_;
  std::mutex mutex_;
  key_memory key_;
  std::string name_;
  /// Where the key came from, for people.
  std::string source_;
};

// -- sealing ------------------------------------------------------------------

secret_box::secret_box(master_key_place where)
  : impl_{std::make_unique<impl>(std::move(where))} {
  // nop
}

secret_box::~secret_box() = default;

result<> secret_box::prepare(std::string_view sample) {
  if (auto loaded = impl_->load(sample.empty()); !loaded)
    return loaded;
  if (sample.empty())
    return done{};
  return impl_->check(sample);
}

result<std::string> secret_box::seal(const sealed_place& where,
                                     std::string_view value) {
  if (auto loaded = impl_->load(false); !loaded)
    return loaded.error();
  auto about = associated(where);
  bytes out(nonce_size + value.size() + tag_size);
  randombytes_buf(out.data(), nonce_size);
  unsigned long long size = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(
    out.data() + nonce_size, &size, data_of(value), value.size(),
    data_of(about), about.size(), nullptr, out.data(), impl_->key());
  return std::string{format} + impl_->name() + "." + to_base64(out);
}

result<std::string> secret_box::unseal(const sealed_place& where,
                                       std::string_view sealed) {
  if (auto loaded = impl_->load(false); !loaded)
    return loaded.error();
  if (auto ours = impl_->check(sealed); !ours)
    return ours.error();
  bytes in;
  if (!from_base64(sealed.substr(format.size() + key_name_size + 1), in)
      || in.size() < nonce_size + tag_size)
    return damaged();
  auto about = associated(where);
  std::string out(in.size() - nonce_size - tag_size, '\0');
  unsigned long long size = 0;
  auto failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
    reinterpret_cast<unsigned char*>(out.data()), &size, nullptr,
    in.data() + nonce_size, in.size() - nonce_size, data_of(about),
    about.size(), in.data(), impl_->key());
  if (failed != 0)
    return damaged();
  return out;
}

} // namespace leasehold
