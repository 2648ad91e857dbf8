/* The smallest project worth building: one program that says where it is. */
#include <stdio.h>
#include <unistd.h>

int main(void) {
  char host[256] = "?";
  gethostname(host, sizeof(host) - 1);
  printf("hello from %s\n", host);
  return 0;
}
