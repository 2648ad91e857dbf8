// Memory for the simulator's program: blocks are kept by size and never given
// back. A simulation asks for the same small blocks over and over, and with the
// library's allocator that is a fifth of its time.

#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t grain = 16;
/// A page of SQLite is among them.
constexpr std::size_t largest = 8192;
constexpr std::size_t chunk = std::size_t{1} << 18;

struct free_block {
  free_block* next;
};

/// One thread's. A block that another thread gives back stays there.
struct pool {
  std::array<free_block*, largest / grain + 1> free{};
  char* fresh = nullptr;
  std::size_t left = 0;
};

thread_local constinit pool mine{};

void* from_fresh(std::size_t size) {
  if (mine.left < size) {
    mine.fresh = static_cast<char*>(std::malloc(chunk));
    if (!mine.fresh)
      throw std::bad_alloc{};
    mine.left = chunk;
  }
  auto* out = mine.fresh;
  mine.fresh += size;
  mine.left -= size;
  return out;
}

/// Which list a block of this size is in.
std::size_t class_of(std::size_t size) {
  return (size + grain - 1) / grain;
}

} // namespace

// Each block begins with its class, so that it can be given back without being
// told its size; class 0 is the library's.

void* operator new(std::size_t size) {
  auto which = class_of(size + grain);
  void* raw = nullptr;
  if (which >= mine.free.size()) {
    raw = std::malloc(size + grain);
    if (!raw)
      throw std::bad_alloc{};
    which = 0;
  } else if (auto* block = mine.free[which]) {
    mine.free[which] = block->next;
    raw = block;
  } else {
    raw = from_fresh(which * grain);
  }
  *static_cast<std::size_t*>(raw) = which;
  return static_cast<char*>(raw) + grain;
}

void operator delete(void* what) noexcept {
  if (!what)
    return;
  auto* raw = static_cast<char*>(what) - grain;
  auto which = *reinterpret_cast<std::size_t*>(raw);
  if (which == 0)
    return std::free(raw);
  auto* block = reinterpret_cast<free_block*>(raw);
  block->next = mine.free[which];
  mine.free[which] = block;
}

void operator delete(void* what, std::size_t) noexcept {
  operator delete(what);
}
