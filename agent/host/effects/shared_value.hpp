#pragma once
#include <sys/mman.h>

#include <new>
#include <utility>

namespace hostsplit {

/// A value that processes forked from this one share with it instead of having a copy (mmap(2), MAP_SHARED). Its
/// members must be atomic, or ordered by one that is.
template <typename T>
class SharedValue {
 public:
  /// \throws std::bad_alloc
  SharedValue() {
    void* page = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) throw std::bad_alloc();
    value_ = new (page) T{};
  }
  ~SharedValue() {
    if (value_) munmap(value_, sizeof(T));
  }
  SharedValue(SharedValue&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  SharedValue& operator=(SharedValue&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  SharedValue(const SharedValue&) = delete;
  SharedValue& operator=(const SharedValue&) = delete;

  T& operator*() const { return *value_; }
  T* operator->() const { return value_; }

 private:
  T* value_;
};

}  // namespace hostsplit
