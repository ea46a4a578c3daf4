/* SPDX-License-Identifier: MIT */
/* The parameter console=; see core/console.h. */
#include <linux/errno.h>

#include "core/console.h"
#include "core/params.h"
#include "lib/printf.h"
#include "lib/string.h"

/* What console= can be, and what it is. */
static const struct {
	const char *name;
	u16 port;
} ports[] = {{"com1", UART_COM1}, {"com2", UART_COM2}, {"none", 0}};
static u32 chosen_port, chosen_speed = CONSOLE_DEFAULT_SPEED;

int console_param(const char *value)
{
	size_t n = 0;

	while (value[n] && value[n] != ',')
		n++;
	for (u32 i = 0; i < ARRAY_SIZE(ports); i++) {
		u64 speed = CONSOLE_DEFAULT_SPEED;

		if (strlen(ports[i].name) != n || strncmp(value, ports[i].name, n))
			continue;
		if (value[n] && (params_size(value + n + 1, &speed) || !speed ||
				 speed > UART_MAX_SPEED || UART_MAX_SPEED % speed))
			return -EINVAL;
		chosen_port = i;
		chosen_speed = (u32)speed;
		(void)console_init(ports[i].port, (u32)speed);
		return 0;
	}
	return -EINVAL;
}

void console_show_param(char *text, size_t size)
{
	printf_format(text, size, "%s,%u", ports[chosen_port].name, chosen_speed);
}
