// All of the browser's code. Every page works without it.
import { copyButtons } from "./copy.ts";
import { keepDrafts } from "./drafts.ts";
import { showErrors } from "./errors.ts";
import { closeMenus } from "./menus.ts";
import { showPreviews } from "./previews.ts";
import { submitOnce } from "./submit-once.ts";
import { showSums } from "./sums.ts";
import { localTimes } from "./times.ts";
import { tryApi } from "./try-api.ts";

localTimes();
keepDrafts();
submitOnce();
copyButtons();
closeMenus();
showErrors();
showPreviews();
showSums();
tryApi();
