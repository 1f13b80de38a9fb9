import type { MediaView } from "../../domain/media/queries.ts";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import { PHOTOS_MAX } from "../../domain/proposals/rules.ts";
import { ImageField } from "../ui/file-field.tsx";
import { ErrorSummary, WritingForm } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";

/**
 * GET /proposals/<id>/photos. POST to the same address adds one: photo (a file), photo_description, as. POST
 * /proposals/<id>/photos/remove: photo (the id of one), as.
 */
export interface PhotosPageProps {
  page: PageContext;
  proposal: ProposalView;
  photos: readonly MediaView[];
  form?: FormState | undefined;
}

export const PhotosPage = ({ page, proposal, photos, form }: PhotosPageProps) => {
  const { t } = page;
  const path = `/proposals/${proposal.id}`;
  return (
    <Layout page={page} title={t("proposal.photos")} section="exchange">
      <h1>{t("proposal.photos")}</h1>
      <p>
        <a href={path} lang={proposal.language ?? undefined} dir="auto">
          {proposal.name}
        </a>
      </p>
      {photos.map((photo) => (
        <section class="card context-block" aria-label={photo.description ?? photo.name}>
          <Photo photo={photo} />
          <form method="post" action={`${path}/photos/remove`}>
            <input type="hidden" name="as" value={proposal.actor.handle} />
            <input type="hidden" name="photo" value={String(photo.id)} />
            <button class="button button-quiet" type="submit">
              <Icon name="trash" />
              {t("proposal.photo_remove")}
            </button>
          </form>
        </section>
      ))}
      {photos.length >= PHOTOS_MAX ? null : (
        <WritingForm
          page={page}
          action={`${path}/photos`}
          files
          submit={(name) => t("proposal.photo_add_as", { name })}
        >
          <ErrorSummary page={page} form={form} labels={{ photo: t("proposal.photo") }} />
          <div class="card form">
            <ImageField page={page} form={form} name="photo" label={t("proposal.photo")} required />
          </div>
        </WritingForm>
      )}
    </Layout>
  );
};

export const Photo = ({ photo }: { photo: MediaView }) => (
  <a href={`/media/${photo.id}`}>
    <img
      class="photo"
      src={`/media/${photo.id}/thumbnail`}
      alt={photo.description ?? photo.name}
      width={photo.width ?? undefined}
      height={photo.height ?? undefined}
      loading="lazy"
      decoding="async"
    />
  </a>
);
